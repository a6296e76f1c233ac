package tools

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/acme/app/primitives/integration/orders/internal/caller"
)

// identified lets requests pass with their caller in the context, and logs what was asked by whom and how it went, but
// no arguments.
func identified(log *slog.Logger, identify Identify) mcp.Middleware {
	return func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (result mcp.Result, err error) {
			start := time.Now()
			from, err := identify(req.GetExtra())
			if err == nil {
				result, err = next(caller.With(ctx, from), method, req)
			}
			attributes := append(from.LogAttrs(), slog.String("method", method), slog.Duration("duration", time.Since(start)))
			if call, ok := req.(*mcp.CallToolRequest); ok {
				attributes = append(attributes, slog.String("tool", call.Params.Name))
			}
			if called, ok := result.(*mcp.CallToolResult); ok && called != nil {
				attributes = append(attributes, slog.Bool("refused", called.IsError))
			}
			if err != nil {
				attributes = append(attributes, slog.String("error", err.Error()))
			}
			log.LogAttrs(ctx, slog.LevelInfo, "request", attributes...)
			return result, err
		}
	}
}

// recovered makes an error of a panic, which would end the process.
func recovered(log *slog.Logger) mcp.Middleware {
	return func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (result mcp.Result, err error) {
			defer func() {
				if cause := recover(); cause != nil {
					log.ErrorContext(ctx, "panic", "method", method, "cause", cause, "stack", string(debug.Stack()))
					result, err = nil, errFailed
				}
			}()
			return next(ctx, method, req)
		}
	}
}
