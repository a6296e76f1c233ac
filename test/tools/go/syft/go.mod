module tools/syft

go 1.26
