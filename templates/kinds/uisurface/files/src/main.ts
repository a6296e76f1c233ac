import { pino } from 'pino';
import { createApp, type Lifecycle } from './app.ts';
import { ConfigError, readConfig } from './config.ts';
import { createSdk } from './sdk/client.ts';
import { serve } from './server.ts';

const log = pino({
  base: null,
  messageKey: 'message',
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (level) => ({ level }) },
});

/** Runs the process until SIGTERM or SIGINT, and stops in this order: readiness, listener, requests, SDK. */
async function run(): Promise<void> {
  const { port, drainSeconds, sdkUrl } = readConfig(process.env);
  const lifecycle: Lifecycle = { draining: false };
  const sdk = createSdk(sdkUrl);
  const server = await serve(createApp({ sdk, lifecycle, log }), port);
  log.info({ port: server.port }, 'open');

  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
  });
  lifecycle.draining = true;
  log.info({ signal }, 'draining');
  await server.stop(drainSeconds);
  await sdk.close();
  log.info('closed');
}

try {
  await run();
} catch (error) {
  const misconfigured = error instanceof ConfigError;
  if (misconfigured) log.error(`configuration: ${error.message}`);
  else log.fatal({ err: error }, 'stopped by an error');
  process.exitCode = misconfigured ? 2 : 1;
}
