// Package packaging knows the small languages Python packages are described
// in: names (PEP 503), versions and specifiers (PEP 440), requirements and
// markers (PEP 508, with the set variables of PEP 751), compatibility tags
// (PEP 425, 600, 656) and the file names of wheels (PEP 427) and sdists (PEP
// 625). It answers which file of a lock fits a target.
//
// It is named after PyPA's library and behaves as that library does; the tests
// run both on the same data. Where the two differ the declaration says so.
//
// It knows no lock format, no index, no file and no network, chooses no
// version and looks at nothing of the machine it runs on: a target is a value.
package packaging
