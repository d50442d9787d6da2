// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace margrave::infra {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };

std::string_view to_string(LogLevel level);
/// "debug", "info", "warn", "error" or "off"; else kConfig.
Result<LogLevel> parse_log_level(std::string_view text);

using LogValue = std::variant<std::string, std::int64_t, std::uint64_t, bool>;

/// One key=value of a log line. There is no floating-point value on purpose: durations are integers
/// with their unit in the key.
struct LogField {
    std::string_view key;
    LogValue value;

    LogField(std::string_view k, std::string v)
        : key(k),
          value(std::move(v)) {}

    LogField(std::string_view k, std::string_view v)
        : key(k),
          value(std::string(v)) {}

    LogField(std::string_view k, const char* v)
        : key(k),
          value(std::string(v)) {}

    LogField(std::string_view k, std::same_as<bool> auto v)
        : key(k),
          value(v) {}

    template <std::integral T>

    requires(!std::same_as<T, bool>) LogField(std::string_view k, T v)
        : key(k),
          value(widen(v)) {}

    template <class Tag, class Rep>
    LogField(std::string_view k, const Strong<Tag, Rep>& v)
        : key(k),
          value(std::uint64_t{v.value}) {}

    template <std::size_t N, class Tag>
    LogField(std::string_view k, const FixedBytes<N, Tag>& v)
        : key(k),
          value(to_hex(v.view())) {}

    LogField(std::string_view k, const ChainId& v)
        : key(k),
          value(v.text()) {}

    LogField(std::string_view k, const AssetId& v)
        : key(k),
          value(v.text()) {}

    /// "timeout: eth_call on alpha took longer than 5000 ms".
    LogField(std::string_view k, const Error& v);

    /// Milliseconds; the key ends in _ms.
    LogField(std::string_view k, std::chrono::milliseconds v)
        : key(k),
          value(std::int64_t{v.count()}) {}

  private:
    template <std::integral T>
    static LogValue widen(T v) {
        if constexpr (std::signed_integral<T>) {
            return std::int64_t{v};
        } else {
            return std::uint64_t{v};
        }
    }
};

struct LogOptions {
    enum class Format : std::uint8_t { kAuto, kHuman, kJson };
    /// kAuto: human when stderr is a terminal and no file is named, JSON else.
    Format format{Format::kAuto};
    LogLevel level{LogLevel::kInfo};
    /// Channel -> level, over `level`.
    std::map<std::string, LogLevel> channels;
    /// Empty: stderr. Else lines are appended to this file, mode 0600.
    std::string file;
    /// Takes finished lines without newline in place of stderr or the file; for tests.
    std::function<void(const std::string& line)> write;
};

class Logger;

/// Where log lines go. relayer/app makes one, first of all, and hands out Loggers; it outlives
/// them. Safe to use from several threads.
class LogSink {
  public:
    /// kIo when the file cannot be opened.
    static Result<std::unique_ptr<LogSink>> open(LogOptions options);
    ~LogSink();
    LogSink(const LogSink&) = delete;
    LogSink& operator=(const LogSink&) = delete;

    /// `channel` is the folder's name: "chains", "store".
    Logger logger(std::string_view channel);
    /// Takes effect at once for every Logger of the channel.
    void set_level(std::string_view channel, LogLevel level);
    void flush();

  private:
    friend class Logger;
    struct Channel;
    class Impl;
    explicit LogSink(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// A channel of a sink; two pointers, passed by value. A default-made one says nothing.
///
///     log.info("attestation.signed", {{"round", round}, {"accounts", count}});
///
/// Info is what an operator would want to be told; what a remote party can trigger is debug or goes
/// through a LogLimiter. Secrets are never values. Not in a statement that also awaits.
class Logger {
  public:
    using Fields = std::initializer_list<LogField>;

    Logger() = default;

    void debug(std::string_view event, Fields fields = {}) const {
        write(LogLevel::kDebug, event, fields);
    }

    void info(std::string_view event, Fields fields = {}) const {
        write(LogLevel::kInfo, event, fields);
    }

    void warn(std::string_view event, Fields fields = {}) const {
        write(LogLevel::kWarn, event, fields);
    }

    void error(std::string_view event, Fields fields = {}) const {
        write(LogLevel::kError, event, fields);
    }

    [[nodiscard]] bool enabled(LogLevel level) const;

  private:
    friend class LogSink;

    Logger(LogSink::Impl* sink, LogSink::Channel* channel)
        : sink_(sink),
          channel_(channel) {}

    void write(LogLevel level, std::string_view event, Fields fields) const;

    LogSink::Impl* sink_{nullptr};
    LogSink::Channel* channel_{nullptr};
};

/// Lets `burst` lines pass in each window, so that a remote party cannot fill the disk.
///
///     if (const auto skipped = limiter.pass(now)) {
///         log.warn("peer.refused", {{"peer", name}, {"skipped", *skipped}});
///     }
class LogLimiter {
  public:
    using Time = std::chrono::steady_clock::time_point;

    LogLimiter(std::uint32_t burst, std::chrono::milliseconds window)
        : burst_(burst),
          window_(window) {}

    /// Present when a line may be written: how many were held back since the last one.
    std::optional<std::uint64_t> pass(Time now = std::chrono::steady_clock::now());

  private:
    std::uint32_t burst_;
    std::chrono::milliseconds window_;
    std::optional<Time> window_start_;
    std::uint32_t used_{0};
    std::uint64_t skipped_{0};
};

/// `text` with control characters, quotes, backslashes and broken UTF-8 made harmless, cut at
/// `bytes_max`: fit for one log line or error sentence.
std::string printable(std::string_view text, std::size_t bytes_max);

}  // namespace margrave::infra
