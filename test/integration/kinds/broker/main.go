// Command broker creates a stream of JetStream, or prints the messages of it. Arguments: create or read, URL, stream, subject.
package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	connection, err := nats.Connect(os.Args[2])
	check(err)
	defer connection.Close()
	server, err := jetstream.New(connection)
	check(err)
	if os.Args[1] == "create" {
		_, err := server.CreateStream(ctx, jetstream.StreamConfig{
			Name: os.Args[3], Subjects: []string{os.Args[4]}, Duplicates: time.Hour, MaxMsgSize: 1 << 10,
		})
		check(err)
		return
	}
	stream, err := server.Stream(ctx, os.Args[3])
	check(err)
	info, err := stream.Info(ctx)
	check(err)
	for sequence := uint64(1); sequence <= info.State.LastSeq; sequence++ {
		message, err := stream.GetMsg(ctx, sequence)
		check(err)
		check(json.NewEncoder(os.Stdout).Encode(map[string]any{
			"subject": message.Subject, "header": message.Header, "event": json.RawMessage(message.Data),
		}))
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
