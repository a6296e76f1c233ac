package postgres

import (
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// IsUnavailable reports whether an error says that the database does not answer at present, so that the same call may
// succeed later.
func IsUnavailable(err error) bool {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		// Connections, resources, operators; and a server that became read-only.
		return strings.HasPrefix(answer.Code, "08") || strings.HasPrefix(answer.Code, "53") ||
			strings.HasPrefix(answer.Code, "57") || answer.Code == "25006"
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	return connecting || network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}
