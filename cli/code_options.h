#pragma once
// What `agentcore code ...` asks for, as values.

#include <string>
#include <vector>

namespace ac::cli {

struct CodeRunOptions {
    std::string file;      // - for stdin
    std::string code;      // instead of a file
    std::string language;  // empty: by the file's ending, else Python
    std::string interpreter = "aws.codeinterpreter.v1";
    std::vector<std::string> uploads;    // local files, which are in the session by their names
    std::vector<std::string> downloads;  // files of the session, which are here afterwards
    std::string session;                 // a live one to go on in
    bool keep = false;                   // the session that is started here goes on
    std::string region;
};

struct CodeReplOptions {
    std::string language = "python";
    std::string interpreter = "aws.codeinterpreter.v1";
    std::string session;
    bool keep = false;
    std::string region;
};

struct CodeForkOptions {
    std::string session;
    int count = 1;
    std::string interpreter = "aws.codeinterpreter.v1";
    std::string region;
};

}  // namespace ac::cli
