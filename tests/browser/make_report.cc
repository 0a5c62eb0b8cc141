// The HTML page of a comparison's document: make_report DOCUMENT.json >REPORT.html
#include <exception>
#include <fstream>
#include <iostream>

#include "pipeline/compare/html.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "use: make_report DOCUMENT.json >REPORT.html\n";
    return 2;
  }
  try {
    std::ifstream file(argv[1]);
    std::cout << tessera::pipeline::to_html(tessera::pipeline::Json::parse(file)) << std::flush;
    return std::cout ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << argv[1] << ": " << error.what() << "\n";
    return 1;
  }
}
