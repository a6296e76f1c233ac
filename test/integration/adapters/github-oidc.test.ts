import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { requestIdToken } from '../../../src/adapters/github-oidc.ts';

type Answer = readonly [status: number, body: string, headers?: Record<string, string>];

const asked: string[] = [];
const closing: (() => void)[] = [];

/** An endpoint that gives these answers in turn, the last one again and again. */
async function endpoint(...answers: Answer[]): Promise<string> {
  asked.length = 0;
  const server = createServer((request, response) => {
    const [status, body, headers] = answers[Math.min(asked.length, answers.length - 1)] ?? [500, ''];
    asked.push(`${request.url} ${request.headers.authorization}`);
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token?api-version=2.0`;
}

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

describe('the OIDC token of a GitHub Actions job', () => {
  test('is asked for with the audience of Sigstore, and again after a failure that may pass', async () => {
    const url = await endpoint([503, ''], [200, '{"value":"jwt"}']);
    expect(await requestIdToken({ url, token: 'canary' })).toBe('jwt');
    expect(asked).toEqual(Array(2).fill('/token?api-version=2.0&audience=sigstore bearer canary'));
  });

  test.each<[string, Answer, string, boolean]>([
    ['a refusal', [403, ''], 'it answered 403', false],
    ['an answer without a token', [200, '{}'], 'the answer holds no token', false],
  ])('is not asked for again after %s', async (_case, answer, message, retryable) => {
    const url = await endpoint(answer);
    const error = await requestIdToken({ url, token: 'canary' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'identity-token-failed',
      message: expect.stringContaining(message),
      exit: 3,
      retryable,
    });
    expect(JSON.stringify(error)).not.toContain('canary');
    expect(asked).toHaveLength(1);
  });

  test('does not go with the job to where it is redirected', async () => {
    const elsewhere = 'http://127.0.0.1:1/';
    const controller = new AbortController();
    const url = await endpoint([302, '', { location: elsewhere }]);
    setTimeout(() => controller.abort(new Error('enough')), 200);
    await expect(requestIdToken({ url, token: 'canary', signal: controller.signal })).rejects.toThrow(
      'enough',
    );
    expect(asked).toHaveLength(1);
  });

  test.each(['http://token.example/', 'file:///etc/passwd', 'nonsense'])(
    'is not asked for at %s',
    async (url) => {
      await expect(requestIdToken({ url, token: 'canary' })).rejects.toMatchObject({
        code: 'identity-token-failed',
        exit: 3,
        suggestions: [expect.any(String)],
      });
    },
  );
});
