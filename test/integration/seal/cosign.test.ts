import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CosignOptions, createCosign, type SigningMode } from '../../../src/adapters/cosign.ts';
import { createProcesses } from '../../../src/adapters/process.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { PrimitiveError } from '../../../src/core/errors.ts';
import type { Processes } from '../../../src/core/process.ts';
import { signatureStatement } from '../../../src/seal/statement.ts';
import { type Sigstore, startSigstore } from '../../support/services/sigstore.ts';
import { tool } from '../../tools/locate.ts';

const statement = signatureStatement([digestOf('an image')]);
const path = `${dirname(tool('cosign'))}:${process.env.PATH}`;
const processes = createProcesses({ ...process.env, PATH: path });

let folder: string;
let sigstore: Sigstore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'primitive-cosign-'));
  sigstore = await startSigstore();
});
afterAll(async () => {
  await sigstore.stop();
  await rm(folder, { recursive: true });
});

function cosign(mode: SigningMode, more: Partial<CosignOptions> = {}) {
  return createCosign({ processes, mode, temporary: folder, ...more });
}

function keyless(signingConfig: string, token = () => sigstore.token()): SigningMode {
  const { trustedRoot } = sigstore;
  return { type: 'keyless', idToken: async () => token(), signingConfig, trustedRoot };
}

async function failureOf(work: Promise<unknown>): Promise<PrimitiveError> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof PrimitiveError)) throw new Error('it did not fail as it should', { cause: error });
  return error;
}

/** A service that fails in some way at first, and then passes on to the real one. */
class Flaky implements AsyncDisposable {
  readonly #server: Server;
  requests = 0;

  constructor(target: string, failures: number, fault: number | 'reset') {
    this.#server = createServer(async (request, response) => {
      this.requests++;
      if (this.requests <= failures) {
        if (fault === 'reset') request.socket.destroy();
        else response.writeHead(fault).end('{"code":14,"message":"not now"}');
        return;
      }
      const body = await new Response(request as unknown as ReadableStream).arrayBuffer();
      const { authorization = '', 'content-type': contentType = '' } = request.headers;
      const answer = await fetch(new URL(request.url ?? '/', target), {
        method: 'POST',
        body,
        headers: { authorization, 'content-type': contentType },
      });
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
  }

  /** The signing config of the Sigstore with this in place of one of its services. */
  async signingConfig(service: 'caUrls' | 'tsaUrls'): Promise<string> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    const config = JSON.parse(await readFile(sigstore.signingConfig, 'utf8'));
    const { port } = this.#server.address() as AddressInfo;
    const { pathname } = new URL(config[service][0].url);
    config[service][0].url = `http://127.0.0.1:${port}${pathname === '/' ? '' : pathname}`;
    const file = join(folder, `signing-${port}.json`);
    await writeFile(file, JSON.stringify(config));
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }
}

// At once: each has a service of its own, and waits.
describe.concurrent('what may pass is tried again, each time with a fresh token', () => {
  test.each([
    ['Fulcio', 'caUrls', 429],
    ['Fulcio', 'caUrls', 500],
    ['Fulcio', 'caUrls', 503],
    ['Fulcio', 'caUrls', 'reset'],
    ['the timestamp authority', 'tsaUrls', 503],
    ['the timestamp authority', 'tsaUrls', 'reset'],
  ] as const)('%s (%s) %s', async (_name, service, fault) => {
    const { fulcioUrl, timestampUrl } = sigstore;
    // cosign itself tries a status twice and a reset once.
    await using flaky = new Flaky(
      service === 'caUrls' ? fulcioUrl : timestampUrl,
      fault === 'reset' ? 1 : 2,
      fault,
    );
    const tokens: string[] = [];
    const delays: number[] = [];
    const token = () => {
      tokens.push(sigstore.token());
      return tokens.at(-1) ?? '';
    };
    const mode = keyless(await flaky.signingConfig(service), token);
    const bundle = await cosign(mode, { onRetry: (_reason, delay) => delays.push(delay) }).sign(statement);
    expect(bundle.length).toBeGreaterThan(1000);
    expect(delays).toEqual([1_000]);
    expect(new Set(tokens).size).toBe(2);
  });

  test('until it is aborted', async () => {
    await using flaky = new Flaky(sigstore.fulcioUrl, 100, 503);
    const abort = new AbortController();
    const reason = new Error('Ctrl-C');
    const signing = cosign(keyless(await flaky.signingConfig('caUrls')), {
      signal: abort.signal,
      onRetry: () => abort.abort(reason),
    }).sign(statement);
    await expect(signing).rejects.toBe(reason);
  });
});

test('a Fulcio that only a file of the checkout names gets no token', async () => {
  // It would take the token, and show it to the public one.
  await using thief = new Flaky(sigstore.fulcioUrl, 0, 503);
  const file = await thief.signingConfig('caUrls');
  const config = JSON.parse(await readFile(file, 'utf8'));
  // Reaches loopback, and is no name of it.
  const fulcio: string = config.caUrls[0].url.replace('127.0.0.1', '0.0.0.0');
  config.caUrls[0].url = fulcio;
  await writeFile(file, JSON.stringify(config));
  let asked = 0;
  const token = () => {
    asked += 1;
    return sigstore.token();
  };
  const failure = await failureOf(cosign(keyless(file, token)).sign(statement));
  expect(failure).toMatchObject({ code: 'signing-service-unknown', exit: 2 });
  expect([asked, thief.requests]).toEqual([0, 0]);
  // The environment says that it is theirs: then it is asked.
  const named = { ...keyless(file, token), fulcio } as SigningMode;
  expect((await cosign(named).sign(statement)).length).toBeGreaterThan(1000);
  expect([asked, thief.requests]).toEqual([1, 1]);
});

describe('what will not pass is reported at once, in the words of cosign, without the secret', () => {
  test.each([
    ['a service that refuses', 400],
    ['a service that forbids', 403],
  ])('%s', async (_name, status) => {
    await using flaky = new Flaky(sigstore.fulcioUrl, 100, status);
    const token = sigstore.token();
    const failure = await failureOf(
      cosign(keyless(await flaky.signingConfig('caUrls'), () => token)).sign(statement),
    );
    expect(failure).toMatchObject({
      code: 'signing-failed',
      exit: 3,
      retryable: false,
      why: expect.stringContaining(`${status}`),
    });
    expect(flaky.requests).toBe(1);
    expect(JSON.stringify({ ...failure, message: failure.message })).not.toContain(token.slice(-40));
  });

  test.each<[string, () => string, RegExp]>([
    ['a token that is none', () => 'canary-4711', /identity token/],
    ['a token that has expired', () => sigstore.token({ exp: '1' }), /400/],
    ['a token of another issuer', () => sigstore.token({ iss: 'https://evil.example' }), /400/],
  ])('%s', async (_name, token, why) => {
    const failure = await failureOf(cosign(keyless(sigstore.signingConfig, token)).sign(statement));
    expect(failure).toMatchObject({
      code: 'signing-failed',
      retryable: false,
      why: expect.stringMatching(why),
    });
    expect(failure.why).not.toContain('canary-4711');
  });

  test.each([
    ['a key that is not there', { key: '/nowhere/cosign.key' }, /no such file/],
    ['a variable that is not set', { key: 'env://PRIMITIVE_NO_SUCH_KEY' }, /PRIMITIVE_NO_SUCH_KEY/],
  ])('%s', async (_name, mode, why) => {
    const program = cosign({ type: 'key', ...mode });
    expect(await failureOf(program.sign(statement))).toMatchObject({
      code: 'signing-failed',
      why: expect.stringMatching(why),
    });
    expect(await failureOf(program.publicKey())).toMatchObject({
      code: 'signing-key-unusable',
      why: expect.stringMatching(why),
    });
  });

  test('a wrong password', async () => {
    const env = { COSIGN_PASSWORD: 'right' };
    const cwd = await mkdtemp(join(folder, 'key-'));
    await processes.run('cosign', ['generate-key-pair'], { cwd, env });
    const key = join(cwd, 'cosign.key');
    expect(
      await failureOf(cosign({ type: 'key', key, password: 'canary-4711' }).sign(statement)),
    ).toMatchObject({
      code: 'signing-failed',
      why: expect.not.stringContaining('canary-4711'),
    });
  });
});

test('a key may be in a variable', async () => {
  const cwd = await mkdtemp(join(folder, 'key-'));
  await processes.run('cosign', ['generate-key-pair'], { cwd, env: { COSIGN_PASSWORD: '' } });
  const pem = await readFile(join(cwd, 'cosign.key'), 'utf8');
  const withKey = createProcesses({ ...process.env, PATH: path, PRIMITIVE_KEY: pem });
  const program = cosign({ type: 'key', key: 'env://PRIMITIVE_KEY' }, { processes: withKey });
  expect(await program.publicKey()).toBe(await readFile(join(cwd, 'cosign.pub'), 'utf8'));
  expect((await program.sign(statement)).length).toBeGreaterThan(100);
});

describe('arguments', () => {
  test('hold no secret: those go by environment', async () => {
    const seen: string[][] = [];
    const watching: Processes = {
      run(program, args, options) {
        seen.push([program, ...args]);
        return processes.run(program, args, options);
      },
    };
    const token = sigstore.token();
    await cosign(
      keyless(sigstore.signingConfig, () => token),
      { processes: watching },
    ).sign(statement);
    await failureOf(
      cosign({ type: 'key', key: '/nowhere', password: 'canary-4711' }, { processes: watching }).sign(
        statement,
      ),
    );
    expect(seen).toHaveLength(2);
    expect(JSON.stringify(seen)).not.toContain(token.slice(0, 40));
    expect(JSON.stringify(seen)).not.toContain('canary-4711');
  });
});
