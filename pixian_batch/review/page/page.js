'use strict';
// The page of a review. Everything it shows comes from #data; text is only ever set as textContent, so that no name
// of a file can be anything but a name. It asks nothing of the network, and keeps choices in this browser only.
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($('data').textContent);
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
  const rows = data.rows.map((values) => Object.fromEntries(data.fields.map((field, at) => [field, values[at]])));
  rows.forEach((row) => { row.folder = data.folders[row.folder]; row.folded = row.name.toLowerCase(); });
  [...rows].sort((one, other) => collator.compare(one.name, other.name)).forEach((row, at) => { row.rank = at; });
  const folders = [...data.folders].sort(collator.compare);

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const percent = (share) => `${Math.round(share * 100)} %`;
  const many = (number, what) => `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`;

  // --- choices: kept in this browser, by the ledger and by the attempt that bought a result ----------------------

  const KEY = `pixian-batch review ${data.identity}`;
  const LOOKS = 'pixian-batch review looks';
  let choices = {};
  let unsaved = false;

  const banner = (text) => { $('storage-banner').textContent = text; $('storage-banner').hidden = !text; };
  const read = (key) => {
    try { return JSON.parse(localStorage.getItem(key)) || {}; } catch { return {}; }
  };
  const keep = (key, value) => {
    try {
      localStorage.setItem(key, JSON.stringify(value));
      return localStorage.getItem(key) !== null;
    } catch { return false; }
  };
  const saveChoices = () => {
    unsaved = !keep(KEY, choices) && Object.keys(choices).length > 0;
    banner(unsaved ? 'This browser keeps nothing for this page: your choices are gone when you close or reload it. '
      + 'Export reject.txt and accept.txt, or the CSV, before you do.' : '');
  };
  const choose = (row, choice) => {
    if (!row.result) return;
    if (choice && choices[row.id] !== choice) choices[row.id] = choice; else delete choices[row.id];
    saveChoices();
    markCard(row);
    count();
  };
  addEventListener('storage', (event) => {  // the same page in another tab
    if (event.key !== KEY) return;
    choices = read(KEY);
    for (const [at, card] of cards) dress(card, shown[at], at);
    count();
  });
  addEventListener('beforeunload', (event) => { if (unsaved) event.preventDefault(); });
  choices = read(KEY);

  // --- how it looks ----------------------------------------------------------------------------------------------

  const looks = { ground: 'checker', colour: '#00b140', grid: 'side', view: 'slider', sort: 'suspicion', ...read(LOOKS) };
  const GROUNDS = ['checker', 'white', 'black', 'grey', 'colour'];
  const applyLooks = () => {
    const root = document.documentElement;
    root.dataset.ground = looks.ground;
    root.style.setProperty('--colour', looks.colour);
    root.classList.toggle('result-only', looks.grid === 'result');
    for (const input of document.querySelectorAll('.grounds input[type=radio]')) input.checked = input.value === looks.ground;
    for (const input of document.querySelectorAll('.pick')) input.value = looks.colour;
    for (const name of ['grid', 'view']) {
      for (const input of document.querySelectorAll(`input[name=${name === 'grid' ? 'grid-view' : name}]`)) input.checked = input.value === looks[name];
    }
    keep(LOOKS, looks);
  };
  const setGround = (ground) => { looks.ground = ground; applyLooks(); };
  document.addEventListener('change', ({ target }) => {
    if (target.name?.startsWith('ground-')) setGround(target.value);
    if (target.name === 'grid-view') { looks.grid = target.value; applyLooks(); layOut(); }
    if (target.name === 'view') setView(target.value);
  });
  for (const input of document.querySelectorAll('.pick')) {
    input.addEventListener('input', () => { looks.colour = input.value; setGround('colour'); });
  }

  // --- filters ---------------------------------------------------------------------------------------------------

  const fill = (id, first, entries) => $(id).replaceChildren(
    make('option', { value: '', textContent: first }),
    ...entries.map(([value, text]) => make('option', { value, textContent: text })));
  const tally = (keys) => keys.reduce((sums, key) => sums.set(key, (sums.get(key) || 0) + 1), new Map());
  const tallied = (counts, words = {}) => [...counts].map(([key, number]) => [key, `${words[key] || key} (${number.toLocaleString('en')})`]);
  const isIn = (folder, top) => folder === top || folder.startsWith(`${top}/`);
  fill('folder', 'all', folders.map((name) => [name, name]));
  fill('outcome', 'any', tallied(tally(rows.map((row) => row.outcome)), data.outcomes));
  fill('reason', 'any or none', [
    ...tallied(tally(rows.flatMap((row) => row.reasons.map(([kind]) => kind))), data.reasons).sort((one, other) => collator.compare(one[1], other[1])),
  ]);

  let shown = [];
  const ORDERS = {
    suspicion: (one, other) => other.score - one.score || one.rank - other.rank,
    name: (one, other) => one.rank - other.rank,
    credits: (one, other) => Number(other.charged || 0) - Number(one.charged || 0) || one.rank - other.rank,
    date: (one, other) => (one.date < other.date) - (one.date > other.date) || one.rank - other.rank,
  };
  const number = (id) => ($(id).value === '' ? null : Number($(id).value));
  const wanted = () => {
    const search = $('search').value.trim().toLowerCase();
    const [folder, outcome, reason, choice] = ['folder', 'outcome', 'reason', 'choice'].map((id) => $(id).value);
    const [from, to, attempts, least] = [number('credits-from'), number('credits-to'), number('attempts'), Number($('least').value) / 100];
    return (row) => (!search || row.folded.includes(search))
      && (!folder || isIn(row.folder, folder))
      && (!outcome || row.outcome === outcome)
      && (!reason || row.reasons.some(([kind]) => kind === reason))
      && (!choice || (choice === 'none' ? Boolean(row.result) && !choices[row.id] : choices[row.id] === choice))
      && (from === null || Number(row.charged || 0) >= from) && (to === null || Number(row.charged || 0) <= to)
      && (attempts === null || row.attempts >= attempts)
      && row.score >= least;
  };
  const apply = () => {
    const current = shown[now];
    shown = rows.filter(wanted()).sort(ORDERS[looks.sort] || ORDERS.suspicion);
    now = Math.max(0, current ? shown.indexOf(current) : 0);
    $('least-shown').textContent = `${$('least').value} %`;
    for (const card of cards.values()) card.remove();
    cards.clear();
    layOut();
    count();
    const empty = shown.length === 0;
    $('nothing').hidden = !empty;
    $('nothing').firstElementChild.textContent = rows.length ? 'No picture is like that.' : 'Nothing has been sent from here yet.';
    $('clear').hidden = rows.length === 0;
  };
  const count = () => {
    const marked = (choice) => rows.filter((row) => choices[row.id] === choice).length;
    const [accepted, rejected] = [marked('a'), marked('r')];
    const of = shown.length === rows.length ? many(rows.length, 'picture') : `${shown.length.toLocaleString('en')} of ${many(rows.length, 'picture')}`;
    $('count').textContent = `${of} · ${accepted.toLocaleString('en')} accepted, ${rejected.toLocaleString('en')} rejected`;
    $('export-reject').textContent = `reject.txt (${rejected.toLocaleString('en')})`;
    $('export-accept').textContent = `accept.txt (${accepted.toLocaleString('en')})`;
    $('export-reject').disabled = !rejected;
    $('export-accept').disabled = !accepted;
  };
  $('filters').addEventListener('submit', (event) => event.preventDefault());
  $('filters').addEventListener('input', (event) => {
    if (event.target.id === 'sort') { looks.sort = event.target.value; applyLooks(); now = 0; scrollTo({ top: 0, behavior: 'instant' }); shown = []; }
    apply();
  });
  const clear = () => setTimeout(() => { $('sort').value = looks.sort; apply(); });
  $('filters').addEventListener('reset', clear);
  $('clear').addEventListener('click', () => $('filters').reset());

  // --- the grid: only what can be seen is there ------------------------------------------------------------------

  const grid = $('grid');
  const cards = new Map();
  const GAP = 12;
  const CAPTION = 88;
  let now = 0;
  let columns = 1;
  let card = { width: 0, height: 0 };

  const layOut = () => {
    const width = grid.clientWidth;
    const least = looks.grid === 'side' ? 300 : 220;
    columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
    card.width = Math.floor((width - GAP * (columns - 1)) / columns);
    card.height = Math.round(looks.grid === 'side' ? card.width / 2 : card.width * 0.8) + CAPTION;
    const lines = Math.ceil(shown.length / columns);
    grid.style.height = `${Math.max(0, lines * (card.height + GAP) - GAP)}px`;
    for (const [at, element] of cards) settle(element, at);
    draw();
  };
  const settle = (element, at) => {
    element.style.width = `${card.width}px`;
    element.style.height = `${card.height}px`;
    element.style.transform = `translate(${(at % columns) * (card.width + GAP)}px, ${Math.floor(at / columns) * (card.height + GAP)}px)`;
  };
  const draw = () => {
    const line = card.height + GAP;
    const top = -grid.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor((top - innerHeight / 2) / line)) * columns;
    const last = Math.min(shown.length, Math.ceil((top + innerHeight * 1.5) / line) * columns);
    for (const [at, element] of cards) {
      if ((at < first || at >= last) && !(at === now && element.contains(document.activeElement))) { element.remove(); cards.delete(at); }
    }
    let before = grid.firstElementChild;
    for (let at = first; at < last; at += 1) {
      while (before && before.at < at) before = before.nextElementSibling;
      if (cards.has(at)) continue;
      const element = makeCard(shown[at], at);
      cards.set(at, element);
      grid.insertBefore(element, before);
    }
  };
  let waiting = false;
  const drawSoon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };
  addEventListener('scroll', drawSoon, { passive: true });
  new ResizeObserver(layOut).observe(grid);
  addEventListener('beforeprint', () => {
    for (let at = 0; at < Math.min(shown.length, 2000); at += 1) {
      if (!cards.has(at)) { const element = makeCard(shown[at], at); cards.set(at, element); }
    }
    grid.replaceChildren(...[...cards].sort(([one], [other]) => one - other).map(([, element]) => element));
    for (const image of grid.querySelectorAll('img')) image.loading = 'eager';
  });
  addEventListener('afterprint', draw);

  const picture = (url, lazy = true) => make('img', { src: url, alt: '', decoding: 'async', loading: lazy ? 'lazy' : 'eager', draggable: false });
  const half = (kind, url, text) => make('span', { className: `half ${kind}` }, url ? picture(url) : text);
  const noResult = (row) => (row.outcome === 'gone' ? 'the result is not at its place' : data.outcomes[row.outcome] || row.outcome);
  const noPhoto = (row) => (row.photoGone ? 'the photo is gone' : 'no photo here');
  const why = (row) => row.reasons.map(([, text]) => text).join(', ') || row.error || (row.result ? 'nothing odd about it' : noResult(row));

  const makeCard = (row, at) => {
    const element = make('li', { className: 'card' });
    const open = make('button', { type: 'button', className: 'open' },
      half('photo-half', row.other ? row.other.thumb : row.thumbPhoto, row.other ? 'not there' : noPhoto(row)),
      half('result-half on-ground', row.thumbResult, noResult(row)));
    open.setAttribute('aria-label', `Open ${row.name}`);
    open.addEventListener('click', () => { show(at); });
    open.addEventListener('focus', () => { step(at, false); });
    const reason = make('span', { className: row.reasons.length ? 'why suspect' : 'why', textContent: why(row), title: why(row) });
    const mark = (choice, text, label) => {
      const button = make('button', { type: 'button', className: choice === 'a' ? 'accept' : 'reject', textContent: text, disabled: !row.result });
      button.setAttribute('aria-label', `${label} ${row.name}`);
      button.addEventListener('click', () => { choose(row, choice); });
      return button;
    };
    element.append(open, make('div', { className: 'caption' },
      make('bdi', { className: 'name', textContent: row.name, title: row.name }),
      make('span', { className: 'score', textContent: row.result ? percent(row.score) : '', title: 'suspicion' }),
      reason, make('span', { className: 'marks' }, mark('a', '✓', 'Accept'), mark('r', '✕', 'Reject'))));
    element.at = at;
    settle(element, at);
    dress(element, row, at);
    return element;
  };
  const dress = (element, row, at) => {
    const choice = choices[row.id];
    element.className = `card ${choice || ''} ${at === now ? 'now' : ''} ${row.thumbResult ? '' : 'without'}`;
    element.setAttribute('aria-setsize', shown.length);
    element.setAttribute('aria-posinset', at + 1);
    element.querySelector('.accept').setAttribute('aria-pressed', choice === 'a');
    element.querySelector('.reject').setAttribute('aria-pressed', choice === 'r');
  };
  const markCard = (row) => {
    const at = shown.indexOf(row);
    if (cards.has(at)) dress(cards.get(at), row, at);
    if ($('detail').open && shown[now] === row) dressDetail(row);
  };
  const step = (at, focus = true) => {
    if (!shown.length) return;
    const before = now;
    now = Math.max(0, Math.min(shown.length - 1, at));
    if (cards.has(before)) dress(cards.get(before), shown[before], before);
    if (focus) {
      const line = Math.floor(now / columns) * (card.height + GAP);
      const box = grid.getBoundingClientRect();
      const head = document.querySelector('.tools').offsetHeight + 8;
      if (box.top + line < head) scrollBy({ top: box.top + line - head, behavior: 'instant' });
      else if (box.top + line + card.height > innerHeight) scrollBy({ top: box.top + line + card.height + 8 - innerHeight, behavior: 'instant' });
      draw();
    }
    if (!cards.has(now)) return;
    dress(cards.get(now), shown[now], now);
    if (focus && !$('detail').open) cards.get(now).querySelector('.open').focus({ preventScroll: true });
  };

  // --- one picture -----------------------------------------------------------------------------------------------

  const detail = $('detail');
  const stage = $('stage');
  let cut = 50;
  let zoomed = false;
  let point = [0.5, 0.5];

  const show = (at) => {
    step(at, true);
    const row = shown[now];
    if (!row) return;
    zoom(false);
    if (!detail.open) detail.showModal();
    $('detail-name').replaceChildren(make('bdi', { textContent: row.name }));
    $('place-in-list').textContent = `${(now + 1).toLocaleString('en')} of ${shown.length.toLocaleString('en')}`;
    $('reasons').replaceChildren(...(row.reasons.length || !row.result ? row.reasons : [['fine', 'nothing odd about it']])
      .map(([kind, text]) => make('li', { className: kind, textContent: text })));
    $('facts').replaceChildren(...factsOf(row).flatMap(([term, value]) => [make('dt', { textContent: term }), make('dd', {}, value)]));
    $('previous').disabled = now === 0;
    $('next').disabled = now === shown.length - 1;
    dressDetail(row);
    pose(row);
    (stage.querySelector('.slider') || $('close')).focus({ preventScroll: true });
    for (const beside of [shown[now + 1], shown[now - 1]]) {  // so that the next one is there at once
      if (beside?.result) new Image().src = beside.result;
    }
  };
  const dressDetail = (row) => {
    for (const [name, choice] of [['.accept', 'a'], ['.reject', 'r']]) {
      const button = detail.querySelector(`.choices ${name}`);
      button.setAttribute('aria-pressed', choices[row.id] === choice);
      button.disabled = !row.result;
    }
  };
  const link = (url, text) => (url ? make('a', { href: url, textContent: text, target: '_blank', rel: 'noopener' }) : text);
  const factsOf = (row) => [
    ['Outcome', data.outcomes[row.outcome] || row.outcome],
    ['Error', row.error],
    ['Suspicion', row.result ? percent(row.score) : null],
    ['Credits', row.charged], ['Calculated', row.calculated],
    ['Photo', row.photo ? link(row.photo, row.photoSize ? row.photoSize.join(' × ') : 'open') : (row.photoGone ? `gone: ${row.inputShown}` : row.inputShown)],
    ['Result', row.result ? link(row.result, row.resultSize ? row.resultSize.join(' × ') : 'open') : null],
    ['Attempts', row.attempts > 1 ? String(row.attempts) : null],
    ['Seconds', row.seconds], ['Sent', row.date], ['Parameters', row.parameters],
    ...(row.other ? [[data.against, row.other.parameters || 'as the service does it'], ['its credits', row.other.charged], ['its suspicion', row.other.reasons.map(([, text]) => text).join(', ') || 'none']] : []),
  ].filter(([, value]) => value);

  const before = () => (data.against && $('before').value === 'other' ? 'other' : 'photo');
  const layer = (side, kind, area) => {
    const element = make('div', { className: `layer ${kind}` });
    if (!side.thumb && !side.url) { element.append(make('span', { className: 'missing', textContent: side.none })); return element; }
    const place = (image) => {
      [image.style.left, image.style.top, image.style.width, image.style.height] = area.map((share) => `${share * 100}%`);
      return image;
    };
    const small = side.thumb ? place(picture(side.thumb, false)) : null;
    if (small) element.append(small);
    if (side.url) {
      const full = place(picture(side.url, false));
      full.style.visibility = 'hidden';
      full.addEventListener('load', () => { full.style.visibility = ''; small?.remove(); full.closest('.pane')?.classList.add('full'); });
      full.addEventListener('error', () => { if (!full.isConnected) return; full.remove(); note(`${side.name}: this browser cannot show the file itself; this is the small picture.`); });
      element.append(full);
    } else { note(`${side.name}: only the small picture is here.`); }
    return element;
  };
  const note = (text) => { if (!$('notes').textContent.includes(text)) $('notes').textContent += `${text} `; };
  const WHOLE = [0, 0, 1, 1];
  const sidesOf = (row) => ({
    photo: { name: 'Photo', thumb: row.thumbPhoto, url: row.photo, size: row.photoSize, area: WHOLE, none: noPhoto(row) },
    result: { name: data.against ? data.title : 'Result', thumb: row.thumbResult, url: row.delta ? null : row.result, size: row.resultSize, area: row.area, none: noResult(row) },
    other: { name: data.against, thumb: row.other?.thumb, url: row.other?.result, size: row.other?.size, area: row.other?.area, none: 'not there' },
  });
  const pose = (row) => {
    $('notes').textContent = '';
    const sides = sidesOf(row);
    const first = sides[before()];
    let view = looks.view;
    const same = before() === 'photo' ? sides.result.area : overlap(sides);
    if (view === 'slider' && !(same && first.thumb && sides.result.thumb)) {
      view = 'side';
      if (row.result && first.thumb) note('Its shape is another one than before, and nobody says where it was cut from: side by side.');
    }
    const tag = (text, end) => make('span', { className: `tag${end ? ' end' : ''}`, textContent: text });
    const own = (side) => ({ ...side, area: WHOLE });
    const pane = (shape, ...children) => {
      const frame = make('div', { className: 'frame' }, ...children.filter((child) => !child.classList.contains('tag')));
      frame.shape = shape || [4, 3];
      return make('div', { className: 'pane' }, frame, ...children.filter((child) => child.classList.contains('tag')));
    };
    if (view === 'slider') {
      const bare = before() === 'other' ? own(first) : first;
      stage.replaceChildren(pane(first.size, layer(bare, before() === 'other' ? 'on-ground' : '', bare.area),
        layer(sides.result, 'after on-ground', same), slider(first.name), tag(first.name), tag(sides.result.name, true)));
    } else {
      const order = view === 'result' ? ['result'] : data.against ? ['photo', 'other', 'result'] : ['photo', 'result'];
      stage.replaceChildren(...order.map((name) => pane(sides[name].size || sides.photo.size,
        layer(own(sides[name]), name === 'photo' ? '' : 'on-ground', WHOLE), tag(sides[name].name))));
    }
    fit();
  };
  /** Where the result lies over the other run's, when both are the same cut: else null. */
  const overlap = ({ other, result }) => {
    if (!other.size || !result.size) return null;
    return Math.abs(other.size[0] / other.size[1] - result.size[0] / result.size[1]) < 0.01 ? WHOLE : null;
  };
  const slider = (name) => {
    const input = make('input', { type: 'range', className: 'slider', min: 0, max: 100, step: 1, value: cut });
    input.setAttribute('aria-label', 'Before and after');
    const set = () => {
      cut = Number(input.value);
      stage.style.setProperty('--cut', cut);
      input.setAttribute('aria-valuetext', `${cut} % ${name}`);
    };
    input.addEventListener('input', set);
    set();
    return input;
  };
  /** Beside each other, or one above the other: as the pictures are larger. */
  const stack = () => {
    const frames = [...stage.children].map((pane) => pane.firstElementChild.shape);
    const [width, height, number] = [stage.clientWidth, stage.clientHeight, frames.length];
    const size = (across, down) => Math.min(...frames.map((shape) => Math.min(width / across / shape[0], height / down / shape[1]) * shape[0]));
    stage.classList.toggle('stacked', number > 1 && size(1, number) > size(number, 1));
  };
  const fit = () => {
    stack();
    for (const pane of stage.children) {
      const frame = pane.firstElementChild;
      const [width, height] = frame.shape;
      const scale = Math.min(pane.clientWidth / width, pane.clientHeight / height);
      frame.style.width = `${width * scale}px`;
      frame.style.height = `${height * scale}px`;
      // 1:1 is one pixel of the file on one of the screen.
      const full = 1 / (scale * devicePixelRatio);
      const shift = (side, at) => (0.5 - at) * Math.max(0, side * scale * full - (side === width ? pane.clientWidth : pane.clientHeight));
      frame.style.transform = zoomed ? `translate(${shift(width, point[0])}px, ${shift(height, point[1])}px) scale(${full})` : '';
    }
  };
  const zoom = (on) => {
    zoomed = on;
    stage.classList.toggle('zoomed', on);
    $('zoom').setAttribute('aria-pressed', on);
    fit();
  };
  const setView = (view) => { looks.view = view; applyLooks(); if (detail.open) { zoom(false); pose(shown[now]); } };
  new ResizeObserver(() => { if (detail.open) fit(); }).observe(stage);
  stage.addEventListener('pointermove', (event) => {
    const box = (event.target.closest('.pane') || stage).getBoundingClientRect();
    point = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((at) => Math.max(0, Math.min(1, at)));
    if (zoomed) fit();
  });
  let held = null;  // when the button or the picture was pressed
  const press = (event) => { held = { at: event.timeStamp, was: zoomed }; zoom(true); };
  const release = (event) => {
    if (held === null) return;
    const long = event.timeStamp - held.at > 300;
    const stays = event.type === 'pointerup' && !long && !held.was && event.target === $('zoom');
    held = null;
    zoom(stays);
  };
  $('zoom').addEventListener('pointerdown', press);
  $('zoom').addEventListener('click', (event) => { if (event.detail === 0) zoom(!zoomed); });  // by the keyboard
  stage.addEventListener('pointerdown', (event) => { if (!event.target.closest('.slider') && event.button === 0) press(event); });
  addEventListener('pointerup', release);
  addEventListener('pointercancel', release);

  $('close').addEventListener('click', () => detail.close());
  detail.addEventListener('close', () => { stage.replaceChildren(); step(now); });
  $('previous').addEventListener('click', () => show(now - 1));
  $('next').addEventListener('click', () => show(now + 1));
  detail.querySelector('.choices .accept').addEventListener('click', () => choose(shown[now], 'a'));
  detail.querySelector('.choices .reject').addEventListener('click', () => choose(shown[now], 'r'));
  $('before')?.addEventListener('change', () => pose(shown[now]));
  $('open-help').addEventListener('click', () => $('help').showModal());

  // --- keys ------------------------------------------------------------------------------------------------------

  const go = (by) => (detail.open ? show(Math.max(0, Math.min(shown.length - 1, now + by))) : step(now + by));
  const decide = (choice) => {
    const row = shown[now];
    if (!row?.result) return;
    if (choices[row.id] === choice) { go(1); return; }
    choose(row, choice);
    go(1);
  };
  const KEYS = {
    j: () => go(1),
    k: () => go(-1),
    a: () => decide('a'),
    r: () => decide('r'),
    u: () => { if (shown[now]) choose(shown[now], null); },
    v: () => { if (detail.open) setView({ slider: 'side', side: 'result', result: 'slider' }[looks.view]); else { looks.grid = looks.grid === 'side' ? 'result' : 'side'; applyLooks(); layOut(); } },
    z: () => { if (detail.open) zoom(true); },
    b: () => { stage.classList.add('sees-before'); },
    '/': () => { if (!detail.open) $('search').focus(); },
    '?': () => { if (!$('help').open) $('help').showModal(); },
    ' ': () => { if (detail.open) detail.close(); else show(now); },
    ArrowRight: () => go(1),
    ArrowLeft: () => go(-1),
    ArrowDown: () => go(detail.open ? 1 : columns),
    ArrowUp: () => go(detail.open ? -1 : -columns),
  };
  const PAN = { ArrowRight: [0.1, 0], ArrowLeft: [-0.1, 0], ArrowDown: [0, 0.1], ArrowUp: [0, -0.1] };
  document.addEventListener('keydown', (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || $('help').open) return;
    if (target.matches('select, textarea, input:not([type=range]):not([type=radio]):not([type=color])')) {
      if (key === 'Escape') { target.blur(); event.preventDefault(); }  // a search field would forget its words
      return;
    }
    const native = target.matches('input[type=range], input[type=radio]') && (key === 'ArrowLeft' || key === 'ArrowRight');
    const plain = target.matches('input[type=range]:not(.slider), input[type=radio]') && key.startsWith('Arrow');
    const pressed = key === ' ' && target.matches('summary, a, input, button:not(.open)') && !target.matches('.slider');
    if (zoomed && PAN[key]) {
      point = point.map((at, axis) => Math.max(0, Math.min(1, at + PAN[key][axis])));
      fit();
    } else if (native || plain || pressed || event.repeat && key === 'z') return;
    else if (GROUNDS[Number(key) - 1]) setGround(GROUNDS[Number(key) - 1]);
    else if (KEYS[key] || KEYS[key.toLowerCase()]) (KEYS[key] || KEYS[key.toLowerCase()])();
    else return;
    event.preventDefault();
  });
  document.addEventListener('keyup', ({ key }) => {
    if (key === 'z' || key === 'Z') zoom(false);
    if (key === 'b' || key === 'B') stage.classList.remove('sees-before');
  });

  // --- files for what comes next ---------------------------------------------------------------------------------

  const encoder = new TextEncoder();
  const bytesOf = (text, raw) => (raw ? Uint8Array.from(atob(raw), (char) => char.charCodeAt(0)) : encoder.encode(text));
  const save = (name, parts, type = 'text/plain') => {
    const url = URL.createObjectURL(new Blob(parts, { type }));
    make('a', { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  };
  const advise = (...lines) => { $('advice').replaceChildren(...lines); $('advice').hidden = false; };
  const code = (text) => make('code', { textContent: text });
  const odd = (text) => /[\n\r]/.test(text);
  const list = (entries) => {
    const end = entries.some(([text]) => odd(text)) ? '\0' : '\n';
    return { nul: end === '\0', parts: entries.flatMap(([text, raw]) => [bytesOf(text, raw), end]) };
  };
  $('export-reject').addEventListener('click', () => {
    const rejected = rows.filter((row) => choices[row.id] === 'r').sort(ORDERS.name);
    const able = rejected.filter((row) => row.photo && row.redo !== null);
    const once = [...new Map(able.map((row) => [`${row.digest} ${row.redo}`, row])).values()];
    const groups = [...new Set(once.map((row) => row.redo))];
    const lines = groups.flatMap((group, at) => {
      const name = groups.length > 1 ? `reject-${at + 1}.txt` : 'reject.txt';
      const { nul, parts } = list(once.filter((row) => row.redo === group).map((row) => [row.input, row.inputBytes]));
      save(name, parts);
      return [code(data.redo[group].replace('LIST', nul ? `${name} -0` : name))];
    });
    const left = [];
    if (once.some((row) => row.renamed)) left.push('Some results are not called like their photos: add the --name of their run.');
    if (rejected.length > able.length) left.push(`${many(rejected.length - able.length, 'reject')} left out: the photo is not here any more, or was a URL.`);
    if (able.length > once.length) left.push(`${many(able.length - once.length, 'reject')} left out: the same photo under another name; remove such a result, and the next run makes it from the new one, for free.`);
    advise(make('p', { textContent: `In the folder of the list, this buys ${many(once.length, 'result')} once more; it says the price before anything is spent, and keeps the old ones:` }), ...lines, ...left.map((textContent) => make('p', { textContent })));
  });
  $('export-accept').addEventListener('click', () => {
    const accepted = rows.filter((row) => choices[row.id] === 'a').sort(ORDERS.name);
    const { nul, parts } = list(accepted.map((row) => [row.place, row.placeBytes]));
    save('accept.txt', parts);
    advise(make('p', { textContent: `The places of ${many(accepted.length, 'result')} under the output folder. To copy them elsewhere:` }),
      code(nul ? data.copy.replace('--files-from', '-0 --files-from') : data.copy));
  });
  // A spreadsheet takes such a cell for a formula: an apostrophe before it says that it is text, as `export --csv` does.
  const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20']/;
  const cell = (value, isName) => {
    const text = String(value ?? '');
    const safe = isName && FORMULA.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  $('export-csv').addEventListener('click', () => {
    const words = { a: 'accepted', r: 'rejected' };
    const NAMES = new Set(['name', 'folder', 'input', 'reasons', 'error']);
    const columns = [
      ['name', (row) => row.name], ['folder', (row) => row.folder], ['input', (row) => row.inputShown], ['outcome', (row) => row.outcome],
      ['choice', (row) => words[choices[row.id]] || ''], ['suspicion', (row) => (row.result ? row.score.toFixed(3) : '')],
      ['reasons', (row) => row.reasons.map(([, text]) => text).join('; ')], ['credits_charged', (row) => row.charged],
      ['credits_calculated', (row) => row.calculated], ['attempts', (row) => row.attempts], ['megapixels', (row) => row.megapixels],
      ['width', (row) => row.resultSize?.[0]], ['height', (row) => row.resultSize?.[1]], ['seconds', (row) => row.seconds],
      ['date', (row) => row.date], ['parameters', (row) => row.parameters], ['error', (row) => row.error],
    ];
    const lines = [columns.map(([name]) => name), ...[...rows].sort(ORDERS.name).map((row) => columns.map(([name, value]) => cell(value(row), NAMES.has(name))))];
    save('review.csv', lines.map((line) => `${line.join(',')}\r\n`), 'text/csv');
  });

  if (innerWidth < 760) document.querySelector('details.bar').open = false;
  $('sort').value = looks.sort;
  applyLooks();
  saveChoices();
  apply();
})();
