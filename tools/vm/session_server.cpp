// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vm/session_server.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <list>
#include <map>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/vm/frame_codec.h"
#include "tools/vm/guest_process.h"

namespace tapjit::vm {
namespace {

using Clock = std::chrono::steady_clock;

// More than this waiting for one reader stops the reading of what fills it.
const size_t waiting_limit = 1u << 20;

struct Client {
  int fd = -1;
  FrameDecoder decoder;
  std::string waiting;
  std::map<uint32_t, uint32_t> guest_ids; // its id -> the guest's
  bool closing = false;                   // once `waiting` is written
};

struct Route {
  Client *client = nullptr; // null: it went away
  uint32_t client_id = 0;
  bool is_run = false;
  Clock::time_point next_step; // of a run without client
  int steps = 0;
};

enum class Outcome { Stop, GuestLost };

class Server {
public:
  Server(GuestProcess &process, std::string release, int listener, int signals, std::chrono::seconds idle_limit)
      : process_(process), release_(std::move(release)), listener_(listener), signals_(signals),
        idle_limit_(idle_limit) {}
  Outcome serve();
  ~Server() {
    for (Client &client : clients_)
      close(client.fd);
  }

private:
  void accept_client();
  void read_client(Client &client);
  void read_guest();
  void pass_to_guest(Client &client, const Frame &frame);
  void pass_to_client(const Frame &frame);
  void answer_console(Client &client, uint32_t id);
  void drop_client(Client &client);
  void end_orphans();
  void tell_lost(const std::string &what);
  static bool write_waiting(int fd, std::string &waiting);

  GuestProcess &process_;
  std::string release_;
  int listener_, signals_;
  std::chrono::seconds idle_limit_;
  FrameDecoder decoder_;
  std::string to_guest_;
  std::list<Client> clients_;
  std::map<uint32_t, Route> routes_;
  uint32_t next_id_ = 1;
  Clock::time_point last_use_ = Clock::now();
  bool stop_ = false, lost_ = false;
};

bool Server::write_waiting(int fd, std::string &waiting) {
  size_t done = 0;
  while (done < waiting.size()) {
    ssize_t written = send(fd, waiting.data() + done, waiting.size() - done, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0) {
      waiting.erase(0, done);
      return errno == EAGAIN;
    }
    done += static_cast<size_t>(written);
  }
  waiting.clear();
  return true;
}

void Server::accept_client() {
  int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0)
    return;
  clients_.emplace_back();
  clients_.back().fd = fd;
  uint32_t version = VM_PROTOCOL_VERSION;
  clients_.back().waiting = encode_frame(0, VM_READY, std::string(bytes_of(version)) + release_);
}

void Server::answer_console(Client &client, uint32_t id) {
  std::string text = process_.console();
  for (size_t done = 0; done < text.size(); done += VM_DATA_CHUNK)
    client.waiting += encode_frame(id, VM_CONSOLE_TEXT, std::string_view(text).substr(done, VM_DATA_CHUNK));
  client.waiting += encode_frame(id, VM_CONSOLE_TEXT, {});
}

void Server::pass_to_guest(Client &client, const Frame &frame) {
  if (frame.type == VM_POWER_OFF) {
    stop_ = true;
    return;
  }
  if (frame.type == VM_CONSOLE) {
    answer_console(client, frame.id);
    return;
  }
  auto [place, fresh] = client.guest_ids.try_emplace(frame.id, next_id_);
  if (fresh) {
    next_id_++;
    routes_[place->second] = Route{&client, frame.id, frame.type == VM_RUN, {}, 0};
  }
  to_guest_ += encode_frame(place->second, frame.type, frame.payload);
}

void Server::pass_to_client(const Frame &frame) {
  auto route = routes_.find(frame.id);
  if (route == routes_.end())
    return;
  Client *client = route->second.client;
  if (client)
    client->waiting += encode_frame(route->second.client_id, frame.type, frame.payload);
  if (frame.type == VM_EXIT || frame.type == VM_REPLY || frame.type == VM_DMESG_END) {
    if (client)
      client->guest_ids.erase(route->second.client_id);
    routes_.erase(route);
  }
}

// Its runs are ended: asked at once, made to after ten seconds. After twenty the guest counts as hung.
void Server::drop_client(Client &client) {
  for (const auto &[own, id] : client.guest_ids) {
    Route &route = routes_[id];
    route.client = nullptr;
    route.next_step = Clock::now();
  }
  close(client.fd);
  clients_.remove_if([&client](const Client &other) { return &other == &client; });
  last_use_ = Clock::now();
}

void Server::end_orphans() {
  for (auto &[id, route] : routes_) {
    if (route.client || !route.is_run || Clock::now() < route.next_step)
      continue;
    if (route.steps == 2) {
      lost_ = true;
      return;
    }
    uint32_t number = (route.steps == 0 ? SIGTERM : SIGKILL) | VM_SIGNAL_GROUP;
    to_guest_ += encode_frame(id, VM_SIGNAL, bytes_of(number));
    route.steps++;
    route.next_step = Clock::now() + std::chrono::seconds(10);
  }
}

void Server::read_client(Client &client) {
  char piece[65536];
  ssize_t got = recv(client.fd, piece, sizeof(piece), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0) {
    drop_client(client);
    return;
  }
  client.decoder.feed({piece, static_cast<size_t>(got)});
  while (std::optional<Frame> frame = client.decoder.next())
    pass_to_guest(client, *frame);
  if (client.decoder.broken())
    drop_client(client);
}

void Server::read_guest() {
  char piece[65536];
  ssize_t got = recv(process_.channel(), piece, sizeof(piece), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0) {
    lost_ = true;
    return;
  }
  decoder_.feed({piece, static_cast<size_t>(got)});
  while (std::optional<Frame> frame = decoder_.next())
    pass_to_client(*frame);
  lost_ |= decoder_.broken();
}

void Server::tell_lost(const std::string &what) {
  process_.wait_for_end(200);
  std::string text = what + "; its console ends:\n" + process_.console_tail(60);
  for (Client &client : clients_) {
    client.waiting += encode_frame(0, VM_LOST, text);
    fcntl(client.fd, F_SETFL, 0);
    timeval patience{2, 0};
    setsockopt(client.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (send(client.fd, client.waiting.data(), client.waiting.size(), MSG_NOSIGNAL) < 0)
      continue; // it went away too
  }
}

Outcome Server::serve() {
  while (!stop_ && !lost_) {
    bool client_is_slow = false;
    for (Client &client : clients_)
      client_is_slow |= client.waiting.size() > waiting_limit;
    short guest_events = static_cast<short>((client_is_slow ? 0 : POLLIN) | (to_guest_.empty() ? 0 : POLLOUT));
    std::vector<pollfd> polls{{process_.channel(), guest_events, 0},
                              {process_.process_handle(), POLLIN, 0},
                              {listener_, POLLIN, 0},
                              {signals_, POLLIN, 0}};
    std::vector<Client *> polled;
    for (Client &client : clients_) {
      short events =
          static_cast<short>((to_guest_.size() < waiting_limit ? POLLIN : 0) | (client.waiting.empty() ? 0 : POLLOUT));
      polls.push_back({client.fd, events, 0});
      polled.push_back(&client);
    }
    poll(polls.data(), polls.size(), 1000);
    if (polls[3].revents || (clients_.empty() && Clock::now() - last_use_ > idle_limit_))
      return Outcome::Stop;
    if (polls[0].revents & (POLLIN | POLLHUP | POLLERR))
      read_guest();
    if (polls[1].revents & POLLIN)
      lost_ = true;
    if (polls[2].revents & POLLIN)
      accept_client();
    for (size_t i = 0; i < polled.size(); i++) {
      if ((polls[4 + i].revents & POLLOUT) && !write_waiting(polled[i]->fd, polled[i]->waiting))
        drop_client(*polled[i]);
      else if (polls[4 + i].revents & (POLLIN | POLLHUP | POLLERR))
        read_client(*polled[i]);
    }
    end_orphans();
    if (!write_waiting(process_.channel(), to_guest_))
      lost_ = true;
  }
  if (stop_)
    return Outcome::Stop;
  tell_lost("the guest died or hung");
  return Outcome::GuestLost;
}

Result<int> open_listener(const std::string &path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return Error{"the socket's path `" + path + "` is too long", ""};
  memcpy(address.sun_path, path.c_str(), path.size());
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  unlink(path.c_str());
  mode_t before = umask(0177);
  bool bound = fd >= 0 && bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)) == 0 && listen(fd, 64) == 0;
  umask(before);
  if (!bound) {
    Error error{"cannot listen at `" + path + "`: " + strerror(errno), ""};
    if (fd >= 0)
      close(fd);
    return error;
  }
  return fd;
}

int open_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

// `on_ready` is called once the first guest can be used.
Result<void> serve_guests(const ServeOptions &options, const std::function<void()> &on_ready) {
  int signals = open_signals();
  int listener = -1;
  Outcome outcome = Outcome::GuestLost;
  while (outcome == Outcome::GuestLost) {
    Result<Guest> guest = Guest::boot(options.boot);
    if (!guest)
      return guest.error();
    std::string release = guest->release();
    std::unique_ptr<GuestProcess> process = std::move(*guest).take_process();
    if (listener < 0) {
      Result<int> opened = open_listener(options.socket_path);
      if (!opened)
        return opened.error();
      listener = *opened;
      on_ready();
    }
    Server server(*process, release, listener, signals, options.idle_limit);
    outcome = server.serve();
    if (outcome == Outcome::GuestLost)
      fprintf(stderr, "tap-vm: the guest died or hung; its console ends:\n%s", process->console_tail(60).c_str());
  }
  unlink(options.socket_path.c_str());
  close(listener);
  close(signals);
  return {};
}

void redirect(const std::string &log_path) {
  int nothing = open("/dev/null", O_RDWR);
  int log = log_path.empty() ? nothing : open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  dup2(nothing, 0);
  dup2(log, 1);
  dup2(log, 2);
  for (int fd : {nothing, log})
    if (fd > 2)
      close(fd);
}

} // namespace

Result<void> serve_guest(const ServeOptions &options) {
  if (!options.background)
    return serve_guests(options, [] {});
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0)
    return Error{std::string("cannot make a pipe: ") + strerror(errno), ""};
  pid_t child = fork();
  if (child < 0)
    return Error{std::string("cannot start a process: ") + strerror(errno), ""};
  if (child == 0) {
    close(report[0]);
    setsid();
    auto tell = [&report](const std::string &text) {
      if (write(report[1], text.data(), text.size()) < 0)
        _exit(1);
    };
    Result<void> served = serve_guests(options, [&] {
      redirect(options.log_path);
      tell("ready");
      close(report[1]);
    });
    if (!served)
      tell(served.error().observed);
    _exit(served ? 0 : 1);
  }
  close(report[1]);
  std::string text;
  char piece[4096];
  for (ssize_t got; (got = read(report[0], piece, sizeof(piece))) > 0;)
    text.append(piece, static_cast<size_t>(got));
  close(report[0]);
  if (text == "ready")
    return {};
  return Error{text.empty() ? "the server of the guest ended" : text, ""};
}

} // namespace tapjit::vm
