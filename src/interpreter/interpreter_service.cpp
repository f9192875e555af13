#include "interpreter/interpreter_service.h"

namespace ac::interpreter {

Result<std::unique_ptr<InterpreterService>> InterpreterService::open(Dependencies dependencies) {
    AC_TRY(GuestImage image, GuestImage::open(dependencies.image));
    return std::unique_ptr<InterpreterService>(
        new InterpreterService(std::move(dependencies), std::move(image)));
}

InterpreterService::InterpreterService(Dependencies dependencies, GuestImage image)
    : limits_(dependencies.limits),
      image_(std::move(image)),
      timer_(dependencies.timer),
      catalog_(dependencies.database, dependencies.random, dependencies.timer.clock(), limits_,
               image_.languages()),
      sessions_({.database = dependencies.database,
                 .sandbox = dependencies.sandbox,
                 .timer = dependencies.timer,
                 .random = dependencies.random,
                 .loop = dependencies.loop,
                 .catalog = catalog_,
                 .image = image_,
                 .limits = limits_,
                 .network = dependencies.network}) {}

}  // namespace ac::interpreter
