package rpc

import (
	"testing"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

func TestOptions_Registered(t *testing.T) {
	for range 2 {
		if err := registerOptions(); err != nil {
			t.Fatalf("registerOptions() error = %v, want nil", err)
		}
	}
	// As a client of reflection asks for files: by the names of imports, until it has them all.
	var files protoregistry.Files
	var load func(path string) error
	load = func(path string) error {
		if _, err := files.FindFileByPath(path); err == nil {
			return nil
		}
		found, err := protoregistry.GlobalFiles.FindFileByPath(path)
		if err != nil {
			return err
		}
		file := protodesc.ToFileDescriptorProto(found)
		for _, dependency := range file.GetDependency() {
			if err := load(dependency); err != nil {
				return err
			}
		}
		loaded, err := protodesc.NewFile(file, &files)
		if err != nil {
			return err
		}
		return files.RegisterFile(loaded)
	}
	if err := load(optionsFile); err != nil {
		t.Fatalf("%s cannot be read: %v", optionsFile, err)
	}
	for _, name := range []string{"primitive.events.v1.event", "primitive.events.v1.required", "primitive.events.v1.Event.subject"} {
		if _, err := files.FindDescriptorByName(protoreflect.FullName(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
