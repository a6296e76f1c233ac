// Package jetstream delivers events to a stream of NATS JetStream, for consumers that take them from a broker.
package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"example.com/service/internal/platform/outbox"
)

// Publisher implements outbox.Publisher: an event is delivered once the stream has it on disk or on its replicas. The stream drops
// an event that is sent again by its id, within its duplicate window. Use [Open].
type Publisher struct {
	connection *nats.Conn
	stream     jetstream.JetStream
	subject    string
	source     string
}

// Open returns a publisher to the subjects below that of address, such as nats://127.0.0.1:4222/orders, which a stream must have:
// orders.TENANT.TYPE.ID of the aggregate. source is that of the CloudEvents. It connects in the background, and again after an
// outage. Close it after the dispatcher has ended.
func Open(log *slog.Logger, address, source string, options ...nats.Option) (*Publisher, error) {
	server, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address of the broker is no URL")
	}
	subject := strings.Trim(server.Path, "/")
	if subject == "" || strings.ContainsAny(subject, "/*> ") {
		return nil, errors.New("the address of the broker must end in a subject: nats://HOST:4222/SUBJECT")
	}
	server.Path = ""
	connection, err := nats.Connect(server.String(), append([]nats.Option{
		nats.Name(source), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		// An event that the broker has not acknowledged stays in the outbox.
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Error("the broker reports an error", "error", err)
		}),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the broker: %w", err)
	}
	stream, err := jetstream.New(connection)
	if err != nil {
		connection.Close()
		return nil, err
	}
	return &Publisher{connection, stream, subject, source}, nil
}

// Close ends the connection.
func (p *Publisher) Close() { p.connection.Close() }

// maxSubject is less than the longest line of the protocol: a server ends a connection with a longer one.
const maxSubject = 2048

// Publish implements outbox.Publisher. An event that is too large, or without a valid subject, is refused; any other failure is
// one of the broker.
func (p *Publisher) Publish(ctx context.Context, event outbox.Event) error {
	body, err := event.CloudEvent(p.source)
	if err != nil {
		return err
	}
	subject := strings.Join([]string{p.subject, token(event.Tenant), token(event.AggregateType), token(event.AggregateID)}, ".")
	if len(subject) > maxSubject {
		return fmt.Errorf("%w: its subject is longer than %d bytes", outbox.ErrRefused, maxSubject)
	}
	message := nats.NewMsg(subject)
	message.Data = body
	message.Header.Set("Content-Type", outbox.ContentType)
	if event.TraceParent != "" {
		message.Header.Set("Traceparent", event.TraceParent)
		message.Header.Set("Tracestate", event.TraceState)
	}
	_, err = p.stream.PublishMsg(ctx, message, jetstream.WithMsgID(event.ID), jetstream.WithRetryAttempts(0))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, jetstream.ErrStreamMessageExceedsMaximum), errors.Is(err, nats.ErrBadSubject):
		return fmt.Errorf("%w: %w", outbox.ErrRefused, err)
	default:
		return fmt.Errorf("%w: %w", outbox.ErrUnavailable, err)
	}
}

// token returns a text as one token of a subject.
func token(text string) string {
	return strings.ReplaceAll(url.PathEscape(text), ".", "%2E")
}
