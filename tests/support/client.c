/* The command for a test's shell: hands its arguments, folder, environment and standard streams to the door of
   the fork server (doors.py), waits, and ends as the command there has ended. Signals are not handed on.
   Built with -DDOOR="the socket's path". */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;

static int fail(const char *what) {
    perror(what);
    return 125;
}

static void say(FILE *out, const char *text) { fwrite(text, 1, strlen(text) + 1, out); }

static int pass_streams(int door) {
    int streams[3] = {0, 1, 2};
    char byte = '-', room[CMSG_SPACE(sizeof streams)];
    struct iovec part = {&byte, 1};
    struct msghdr message = {0};
    memset(room, 0, sizeof room);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof streams);
    memcpy(CMSG_DATA(head), streams, sizeof streams);
    return sendmsg(door, &message, 0) == 1 ? 0 : -1;
}

int main(int argc, char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = DOOR;
    char folder[4096];
    int door = socket(AF_UNIX, SOCK_STREAM, 0), code = 0;
    if (strlen(path) >= sizeof address.sun_path) return fail(path);
    strcpy(address.sun_path, path);
    if (connect(door, (struct sockaddr *)&address, sizeof address)) return fail("connect");
    if (pass_streams(door)) return fail("sendmsg");
    if (getcwd(folder, sizeof folder) == NULL) return fail("getcwd");
    FILE *out = fdopen(dup(door), "w");
    fprintf(out, "%d", argc - 1);
    say(out, "");
    for (int i = 1; i < argc; i++) say(out, argv[i]);
    say(out, folder);
    for (char **variable = environ; *variable; variable++) say(out, *variable);
    fclose(out);
    shutdown(door, SHUT_WR);
    if (read(door, &code, sizeof code) != sizeof code) return fail("read");
    if (code >= 0) return code;
    signal(-code, SIG_DFL);
    raise(-code);
    return 125;
}
