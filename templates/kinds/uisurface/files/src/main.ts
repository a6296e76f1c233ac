import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createApp, type Lifecycle } from './app.ts';
import { readConfig } from './config.ts';
import { callHeaders } from './platform/headers.ts';
import { serve } from './platform/server.ts';
import { ConfigError } from './platform/settings.ts';
import { startTelemetry } from './platform/telemetry.ts';
import { createSdk } from './sdk/client.ts';

const log = pino({
  base: null,
  messageKey: 'message',
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (level) => ({ level }) },
});

/**
 * Runs the process until SIGTERM or SIGINT, and stops in order: readiness fails; after a delay, the listener closes,
 * requests in flight end, the SDK closes, the rest of the telemetry is sent. The delay lets load balancers stop sending
 * requests; a second signal ends it early.
 */
async function run(): Promise<void> {
  const stopping = nextSignal();
  const { port, drainDelaySeconds, drainTimeoutSeconds, ...config } = readConfig(process.env);
  const stopTelemetry = await startTelemetry(process.env, log);
  const lifecycle: Lifecycle = { draining: false };
  const sdk = createSdk({ ...config, headers: callHeaders(config.serviceTokenFile) });
  const server = await serve(createApp({ ...config, sdk, lifecycle, log }), port);
  log.info({ port: server.port }, 'open');

  const signal = await stopping;
  lifecycle.draining = true;
  log.info({ signal }, 'draining');
  await Promise.race([sleep(drainDelaySeconds * 1000, undefined, { ref: false }), nextSignal()]);
  log.info('closing');
  await server.stop(drainTimeoutSeconds);
  await sdk.close();
  await stopTelemetry();
  log.info('closed');
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
}

function fail(error: unknown): never {
  const misconfigured = error instanceof ConfigError;
  if (misconfigured) log.error(`configuration: ${error.message}`);
  else log.fatal({ err: error }, 'fatal error');
  process.exit(misconfigured ? 2 : 1);
}

process.on('uncaughtException', fail);
await run();
