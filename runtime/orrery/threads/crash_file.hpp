// crash_file.hpp: fatal signals are written down, once per process, with all flight recorders there are.
// Always true:  (L3) of flight_recorder.hpp: the handlers that were there before are there again when a signal has been
//               written down, and when the last recorder has gone
// Known limits: a handler that somebody installs later, and who does not call ours, hides the crash from us. Eight systems
//               with a recorder at once are written down; later ones are not.
#pragma once
#include <string>

namespace orrery {

class FlightRecorder;

class CrashFile {
 public:
  /// From now on a fatal signal writes `recorder` into FOLDER/orrery-crash-PID.jsonl; the first folder counts.
  ///
  /// Returns: false when there are too many already, or the folder's name is too long.    Threads: any.
  [[nodiscard]] static bool add(const FlightRecorder& recorder, const std::string& folder);
  /// Undoes it. Blocks: while a crash is being written down, for some seconds at most.
  static void remove(const FlightRecorder& recorder);
};

}  // namespace orrery
