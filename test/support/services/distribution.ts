import { readFile, writeFile } from 'node:fs/promises';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { join } from 'node:path';
import { tool } from '../../tools/locate.ts';
import { type ServerCertificate, selfSigned, serverCertificate } from './certificates.ts';
import { freePort } from './ports.ts';
import { inFolder, removeFolder, type Service, startProgram, stopper, untilReady } from './service.ts';
import { type Credentials, type Grants, startTokenServer, type TokenServer } from './token-server.ts';

export interface DistributionOptions {
  /** 3 (the default) falls back to the referrers tag as 2 does, but takes OCI 1.1 manifests. */
  readonly version?: 2 | 3;
  readonly tls?: boolean;
  readonly auth?: 'none' | 'basic' | 'token';
  /** With `auth: 'token'`: who may do what; by default everybody who logged in may do everything. */
  readonly grants?: Grants;
  /** Keep everything in memory: several times as fast, gone with the service. */
  readonly inMemory?: boolean;
}

/** CNCF Distribution on loopback, with deletion enabled. */
export interface Distribution extends Service {
  /** `127.0.0.1:PORT`, as it stands in an image reference. */
  readonly host: string;
  readonly url: string;
  readonly logFile: string;
  /** The authority to trust, with `tls`. */
  readonly caFile: string | undefined;
  /** Who may log in, with `auth`. */
  readonly credentials: Credentials | undefined;
  readonly tokenServer: TokenServer | undefined;
}

const USER: Credentials = { username: 'publisher', password: 'registry-password-for-tests' };
// bcrypt of that password: Node has none to make it with.
const HTPASSWD = `${USER.username}:$2b$05$abcdefghijklmnopqrstuux07tiB5I0RbteK6OSULRLlU5Uu8Ej5a\n`;

/** Starts CNCF Distribution in a folder of its own. */
export function startDistribution(options: DistributionOptions = {}): Promise<Distribution> {
  return inFolder('distribution', (folder) => start(folder, options));
}

async function start(folder: string, options: DistributionOptions): Promise<Distribution> {
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const certificate = options.tls ? await serverCertificate(folder) : undefined;
  const { auth, tokenServer } = await authentication(folder, options, certificate);
  const stopTokenServer = () => tokenServer?.stop();
  try {
    const configFile = join(folder, 'config.yml');
    const config = {
      version: '0.1',
      log: { level: 'info' },
      storage: {
        ...(options.inMemory ? { inmemory: {} } : { filesystem: { rootdirectory: join(folder, 'data') } }),
        delete: { enabled: true },
        maintenance: { uploadpurging: { enabled: false } },
      },
      http: {
        addr: host,
        secret: 'one instance only',
        ...(certificate && { tls: { certificate: certificate.certFile, key: certificate.keyFile } }),
      },
      ...(auth && { auth }),
    };
    // JSON is YAML, too.
    await writeFile(configFile, JSON.stringify(config, undefined, 2));
    const program = startProgram(
      tool(options.version === 2 ? 'registry2' : 'registry'),
      ['serve', configFile],
      // Distribution 3 sends traces to a collector unless told not to.
      { folder, name: 'registry', env: { OTEL_TRACES_EXPORTER: 'none' } },
    );
    const url = `${certificate ? 'https' : 'http'}://${host}`;
    await untilReady(program, async () =>
      [200, 401].includes(await status(`${url}/v2/`, certificate?.caFile)),
    );
    const stop = stopper(
      () => program.stop(),
      stopTokenServer,
      () => removeFolder(folder),
    );
    return {
      host,
      url,
      logFile: program.logFile,
      caFile: certificate?.caFile,
      credentials: auth ? USER : undefined,
      tokenServer,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stopTokenServer();
    throw error;
  }
}

async function authentication(
  folder: string,
  options: DistributionOptions,
  tls: ServerCertificate | undefined,
): Promise<{ auth?: object; tokenServer?: TokenServer }> {
  if (options.auth === 'basic') {
    const path = join(folder, 'htpasswd');
    await writeFile(path, HTPASSWD);
    return { auth: { htpasswd: { realm: 'primitive tests', path } } };
  }
  if (options.auth === 'token') {
    const signer = await selfSigned(folder, 'token', 'primitive test tokens');
    const names = { service: 'primitive-registry', issuer: 'primitive-tokens' };
    const tokenServer = await startTokenServer({
      ...signer,
      ...names,
      credentials: USER,
      tls,
      ...(options.grants && { grants: options.grants }),
    });
    const auth = { token: { realm: tokenServer.url, ...names, rootcertbundle: signer.certFile } };
    return { auth, tokenServer };
  }
  return {};
}

/** `fetch` cannot be told to trust an authority, so this asks the plain way. */
async function status(url: string, caFile: string | undefined): Promise<number> {
  const ca = caFile ? await readFile(caFile) : undefined;
  return new Promise((resolve, reject) => {
    const request = (ca ? httpsGet(url, { ca }) : httpGet(url)).on('error', reject);
    request.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
}
