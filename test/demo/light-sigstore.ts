import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { ASN1Obj } from '@sigstore/core';
import { fulcioHandler, initializeCA, initializeTSA } from '@sigstore/mock';
import { serve } from '../support/services/http.ts';
import { startOidcIssuer } from '../support/services/oidc-issuer.ts';
import { inFolder, removeFolder, stopper } from '../support/services/service.ts';
import type { Sigstore } from '../support/services/sigstore.ts';

/** What the demo needs of a Sigstore. */
export type LightSigstore = Pick<
  Sigstore,
  'issuer' | 'signingConfig' | 'trustedRoot' | 'githubActionsEnv' | 'stop' | typeof Symbol.asyncDispose
>;

const ISSUE = '/api/v2/signingCert';
const TIMESTAMP = '/api/v1/timestamp';
const SHA256 = '2.16.840.1.101.3.4.2.1';

/**
 * A certificate authority and a timestamp authority that answer as Fulcio and Sigstore's timestamp server do, made of
 * what Sigstore's own clients are tested with. They take the claims of a token as they are, without verifying it; tests
 * use the real ones (`startSigstore`), which take minutes to build.
 */
export function startLightSigstore(): Promise<LightSigstore> {
  return inFolder('sigstore', async (folder) => {
    const oidc = await startOidcIssuer();
    const ca = await initializeCA(keyPair());
    // Set at each request, to full seconds: not every fraction of one that it writes is read by verifiers.
    const clock = new Date();
    const tsa = await initializeTSA(keyPair(), clock);
    const fulcio = fulcioHandler(ca, { subjectClaim: 'sub' });

    async function issue(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const body = JSON.parse((await bytesOf(request)).toString());
      // cosign sends it as a header, the library for JavaScript in the body.
      const token =
        request.headers.authorization?.replace(/^bearer /i, '') ?? body.credentials.oidcIdentityToken;
      const issued = await fulcio.fn(
        JSON.stringify({ ...body, credentials: { oidcIdentityToken: withSubject(token) } }),
      );
      // cosign takes nothing but 200 for a yes.
      response.writeHead(issued.statusCode === 201 ? 200 : issued.statusCode, {
        'content-type': 'application/json',
      });
      response.end(issued.response);
    }

    async function timestamp(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const imprint = imprintOf(await bytesOf(request), request.headers['content-type']);
      clock.setTime(Math.floor(Date.now() / 1000) * 1000);
      response.writeHead(201, { 'content-type': 'application/timestamp-reply' });
      response.end(
        await tsa.timestamp({
          ...imprint,
          nonce: 0,
          policyOID: '1.3.6.1.4.1.57264.2',
        }),
      );
    }

    const server = await serve(async (request, response) => {
      if (request.url === ISSUE) return issue(request, response);
      if (request.url === TIMESTAMP) return timestamp(request, response);
      response.writeHead(404).end();
    });
    const [signingConfig, trustedRoot] = [
      join(folder, 'signing-config.json'),
      join(folder, 'trusted-root.json'),
    ];
    const timestamps = `${server.url}${TIMESTAMP}`;
    const service = (url: string) => ({ url, majorApiVersion: 1, validFor, operator: 'demo' });
    await writeJson(signingConfig, {
      mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
      caUrls: [service(server.url)],
      oidcUrls: [service(oidc.url)],
      rekorTlogConfig: {},
      tsaUrls: [service(timestamps)],
      tsaConfig: { selector: 'EXACT', count: 1 },
    });
    await writeJson(trustedRoot, {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      certificateAuthorities: [authority(server.url, [ca.rootCertificate])],
      timestampAuthorities: [authority(timestamps, [tsa.intCertificate, tsa.rootCertificate])],
    });
    const stop = stopper(
      () => server.close(),
      () => oidc.stop(),
      () => removeFolder(folder),
    );
    return {
      signingConfig,
      trustedRoot,
      issuer: oidc.url,
      githubActionsEnv: (run, claims) => oidc.githubActionsEnv(run, claims),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  });
}

/** The token with what Fulcio writes as subject of a certificate for GitHub Actions: the workflow at its ref. */
function withSubject(token: string): string {
  const [header, payload = '', signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const subject = { ...claims, sub: `https://github.com/${claims.job_workflow_ref}` };
  return [header, Buffer.from(JSON.stringify(subject)).toString('base64url'), signature].join('.');
}

function keyPair() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

const validFor = { start: '2020-01-01T00:00:00Z' };

/** One authority of a trusted root, with its certificates from the one that signs up to the root. */
function authority(
  uri: string,
  certificates: readonly Pick<DataView, 'buffer' | 'byteOffset' | 'byteLength'>[],
) {
  const rawBytes = certificates.map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
  );
  return { uri, certChain: { certificates: rawBytes.map((bytes) => ({ rawBytes: bytes })) }, validFor };
}

/** What a timestamp is asked for: as JSON, or as a TimeStampReq (RFC 3161, 2.4.1), where it follows the version. */
function imprintOf(request: Buffer<ArrayBuffer>, type: string | undefined) {
  if (type === 'application/json') {
    const { artifactHash } = JSON.parse(request.toString());
    return { artifactHash: Buffer.from(artifactHash, 'base64'), hashAlgorithmOID: SHA256 };
  }
  const imprint = ASN1Obj.parseBuffer(request).subs[1];
  return {
    artifactHash: Buffer.from(imprint?.subs[1]?.value ?? []),
    hashAlgorithmOID: imprint?.subs[0]?.subs[0]?.toOID() ?? '',
  };
}

async function writeJson(file: string, content: object): Promise<void> {
  await writeFile(file, JSON.stringify(content));
}

async function bytesOf(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
