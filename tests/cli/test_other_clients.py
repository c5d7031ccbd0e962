"""The served emulator and other people's programs: the vendor's quick start in Node, PHP and Ruby, where they are."""

from __future__ import annotations

import shutil
import subprocess
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.commands import PATIENCE
from support.emulators import EmulatorThread

from pixian_batch.emulator.settings import EngineName

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"
# Each is called as: PROGRAM api-url photo photo-url, and writes file.png and url.png.
NODE = """
import fs from 'node:fs';
const [api, photo, url] = process.argv.slice(2);
for (const kind of ['file', 'url']) {
  const form = new FormData();
  if (kind === 'file') form.append('image', new Blob([fs.readFileSync(photo)]), 'example.jpeg');
  else form.append('image.url', url);
  const headers = {Authorization: 'Basic ' + Buffer.from('id:secret').toString('base64')};
  const answer = await fetch(api + '/remove-background', {method: 'POST', headers, body: form});
  if (!answer.ok) throw new Error(await answer.text());
  fs.writeFileSync(kind + '.png', Buffer.from(await answer.arrayBuffer()));
}
"""
PHP = """<?php
[, $api, $photo, $url] = $argv;
foreach (['file' => ['image' => curl_file_create($photo)], 'url' => ['image.url' => $url]] as $kind => $fields) {
    $ch = curl_init($api . '/remove-background');
    curl_setopt($ch, CURLOPT_HTTPHEADER, ['Authorization: Basic ' . base64_encode('id:secret')]);
    curl_setopt($ch, CURLOPT_POST, true);
    curl_setopt($ch, CURLOPT_RETURNTRANSFER, true);
    curl_setopt($ch, CURLOPT_POSTFIELDS, $fields);
    $data = curl_exec($ch);
    if (curl_getinfo($ch, CURLINFO_HTTP_CODE) != 200) { fwrite(STDERR, $data); exit(1); }
    file_put_contents($kind . '.png', $data);
}
"""
RUBY = """
require 'net/http'
api, photo, url = ARGV
{'file' => [['image', File.open(photo, 'rb')]], 'url' => [['image.url', url]]}.each do |kind, form|
  to = URI(api + '/remove-background')
  request = Net::HTTP::Post.new(to)
  request.basic_auth('id', 'secret')
  request.set_form(form, 'multipart/form-data')
  answer = Net::HTTP.start(to.host, to.port) { |http| http.request(request) }
  abort(answer.body) unless answer.code == '200'
  File.binwrite(kind + '.png', answer.body)
end
"""


@contextmanager
def photos_served() -> Iterator[str]:
    """`host:port` of a web server with the sample photos."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SAMPLES)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("program", "name", "text"),
    [("node", "client.mjs", NODE), ("php", "client.php", PHP), ("ruby", "client.rb", RUBY)],
)
def test_quick_start(program: str, name: str, text: str, tmp_path: Path) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed here")
    (tmp_path / name).write_text(text)
    with photos_served() as host, EmulatorThread(engine=EngineName.PLAIN, allow_fetch=(host,)) as emulator:
        done = subprocess.run(
            [program, name, emulator.url, str(SAMPLES / "rocket.jpg"), f"http://{host}/cat.png"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    if program == "php" and "undefined function curl" in done.stdout + done.stderr:
        pytest.skip("PHP has no curl extension here")
    assert done.returncode == 0, done.stderr
    for kind in ("file", "url"):
        assert (tmp_path / f"{kind}.png").read_bytes().startswith(b"\x89PNG")
