// SPDX-License-Identifier: Apache-2.0
#include "infra/log.hpp"

#include "infra/detail/log_text.hpp"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <mutex>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <system_error>
#include <unistd.h>

namespace margrave::infra {

struct LogSink::Channel {
    std::string name;
    std::atomic<LogLevel> level;
};

class LogSink::Impl {
  public:
    Channel* channel(std::string_view name);
    void write(LogLevel level, const std::string& line);

    LogOptions options;
    bool json{true};
    std::unique_ptr<spdlog::logger> out;

  private:
    std::mutex mutex_;
    /// Never shrinks: Loggers point into it.
    std::map<std::string, std::unique_ptr<Channel>, std::less<>> channels_;
};

namespace {

constexpr std::size_t kValueMax = 4096;

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug:
            return spdlog::level::debug;
        case LogLevel::kInfo:
            return spdlog::level::info;
        case LogLevel::kWarn:
            return spdlog::level::warn;
        case LogLevel::kError:
            return spdlog::level::err;
        case LogLevel::kOff:
            return spdlog::level::off;
    }
    return spdlog::level::off;
}

std::string utc_now() {
    const auto now =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
    return fmt::format(
        "{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
        fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
        (now - seconds).count()
    );
}

struct JsonValue {
    std::string operator()(const std::string& v) const { return detail::json_string(v, kValueMax); }

    std::string operator()(std::int64_t v) const { return std::to_string(v); }

    std::string operator()(std::uint64_t v) const { return std::to_string(v); }

    std::string operator()(bool v) const { return v ? "true" : "false"; }
};

struct HumanValue : JsonValue {
    using JsonValue::operator();

    std::string operator()(const std::string& v) const {
        std::string text = printable(v, kValueMax);
        const bool plain =
            !text.empty() && text == v && text.find_first_of(" =\"") == std::string::npos;
        return plain ? text : "\"" + text + "\"";
    }
};

std::string json_line(
    LogLevel level, std::string_view channel, std::string_view event, Logger::Fields fields
) {
    std::string line = fmt::format(
        R"({{"time":"{}","level":"{}","channel":{},"event":{})",
        utc_now(),
        to_string(level),
        detail::json_string(channel, kValueMax),
        detail::json_string(event, kValueMax)
    );
    for (const LogField& field : fields) {
        line += ",";
        line += detail::json_string(field.key, kValueMax);
        line += ":";
        line += std::visit(JsonValue{}, field.value);
    }
    line += "}";
    return line;
}

std::string human_line(
    LogLevel level, std::string_view channel, std::string_view event, Logger::Fields fields
) {
    std::string line =
        fmt::format("{} {:<5} {:<8} {}", utc_now(), to_string(level), channel, event);
    for (const LogField& field : fields) {
        line += "  ";
        line += field.key;
        line += "=";
        line += std::visit(HumanValue{}, field.value);
    }
    return line;
}

/// spdlog would make the file readable for everybody.
Result<void> make_private(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        const std::error_code ec(errno, std::generic_category());
        return fail(Errc::kIo, "cannot write the log file " + path + ": " + ec.message());
    }
    ::close(fd);
    return ok();
}

}  // namespace

LogSink::Channel* LogSink::Impl::channel(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    const auto known = channels_.find(name);
    if (known != channels_.end()) {
        return known->second.get();
    }
    auto made = std::make_unique<Channel>();
    made->name = name;
    const auto own = options.channels.find(made->name);
    made->level = own == options.channels.end() ? options.level : own->second;
    Channel* channel = made.get();
    channels_.emplace(std::string(name), std::move(made));
    return channel;
}

void LogSink::Impl::write(LogLevel level, const std::string& line) {
    if (options.write) {
        options.write(line);
        return;
    }
    out->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

Result<std::unique_ptr<LogSink>> LogSink::open(LogOptions options) {
    auto impl = std::make_unique<Impl>();
    const bool terminal = options.file.empty() && !options.write && ::isatty(STDERR_FILENO) == 1;
    impl->json = options.format == LogOptions::Format::kJson ||
                 (options.format == LogOptions::Format::kAuto && !terminal);
    std::shared_ptr<spdlog::sinks::sink> sink;
    if (options.file.empty()) {
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
        MARGRAVE_TRY(make_private(options.file));
        try {
            sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
        } catch (const spdlog::spdlog_ex& e) {
            return fail(Errc::kIo, "cannot write the log file " + options.file + ": " + e.what());
        }
    }
    impl->out = std::make_unique<spdlog::logger>("margrave", std::move(sink));
    impl->out->set_level(spdlog::level::trace);
    impl->out->set_pattern("%v");
    impl->out->flush_on(spdlog::level::debug);
    impl->options = std::move(options);
    return std::unique_ptr<LogSink>(new LogSink(std::move(impl)));
}

LogSink::LogSink(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

LogSink::~LogSink() = default;

Logger LogSink::logger(std::string_view channel) {
    return {impl_.get(), impl_->channel(channel)};
}

void LogSink::set_level(std::string_view channel, LogLevel level) {
    impl_->channel(channel)->level = level;
}

void LogSink::flush() {
    impl_->out->flush();
}

bool Logger::enabled(LogLevel level) const {
    return channel_ != nullptr && level >= channel_->level.load() && level != LogLevel::kOff;
}

void Logger::write(LogLevel level, std::string_view event, Fields fields) const {
    if (!enabled(level)) {
        return;
    }
    const auto render = sink_->json ? &json_line : &human_line;
    sink_->write(level, render(level, channel_->name, event, fields));
}

LogField::LogField(std::string_view k, const Error& v)
    : key(k),
      value(std::string(margrave::to_string(v.code)) + ": " + v.detail) {}

std::optional<std::uint64_t> LogLimiter::pass(Time now) {
    if (!window_start_ || now - *window_start_ >= window_) {
        window_start_ = now;
        used_ = 0;
    }
    if (used_ >= burst_) {
        ++skipped_;
        return std::nullopt;
    }
    ++used_;
    return std::exchange(skipped_, 0);
}

std::string_view to_string(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug:
            return "debug";
        case LogLevel::kInfo:
            return "info";
        case LogLevel::kWarn:
            return "warn";
        case LogLevel::kError:
            return "error";
        case LogLevel::kOff:
            return "off";
    }
    return "off";
}

Result<LogLevel> parse_log_level(std::string_view text) {
    for (const LogLevel level :
         {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError, LogLevel::kOff}) {
        if (text == to_string(level)) {
            return level;
        }
    }
    return fail(
        Errc::kConfig,
        "log level \"" + printable(text, 32) + "\" is not debug, info, warn, error or off"
    );
}

}  // namespace margrave::infra
