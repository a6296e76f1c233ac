package rpc

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

const optionsFile = "primitive/events/v1/events.proto"

// registerOptions makes the options of events known to reflection. They have no stubs, since a program with those of two
// domains would have them twice.
func registerOptions() error {
	if _, err := protoregistry.GlobalFiles.FindFileByPath(optionsFile); err == nil {
		return nil
	}
	field := func(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{
			Name: proto.String(name), Number: proto.Int32(number), Type: kind.Enum(),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
	}
	event := field("event", 50826, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE)
	event.Extendee, event.TypeName = proto.String(".google.protobuf.MessageOptions"), proto.String(".primitive.events.v1.Event")
	required := field("required", 50826, descriptorpb.FieldDescriptorProto_TYPE_BOOL)
	required.Extendee = proto.String(".google.protobuf.FieldOptions")
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String(optionsFile), Package: proto.String("primitive.events.v1"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/descriptor.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("Event"),
			Field: []*descriptorpb.FieldDescriptorProto{
				field("type", 1, descriptorpb.FieldDescriptorProto_TYPE_STRING),
				field("subject", 2, descriptorpb.FieldDescriptorProto_TYPE_STRING),
			},
		}},
		Extension: []*descriptorpb.FieldDescriptorProto{event, required},
	}, protoregistry.GlobalFiles)
	if err != nil {
		return err
	}
	return protoregistry.GlobalFiles.RegisterFile(file)
}
