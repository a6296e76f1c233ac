import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { ASN1Obj } from '@sigstore/core';
import { fulcioHandler, initializeCA, initializeTSA } from '@sigstore/mock';
import { serve } from '../support/services/http.ts';
import { startOidcIssuer } from '../support/services/oidc-issuer.ts';
import { inFolder, removeFolder, stopper } from '../support/services/service.ts';
import { type Sigstore, writeClientFiles } from '../support/services/sigstore.ts';

/** What the demo needs of a Sigstore. */
export type LightSigstore = Pick<
  Sigstore,
  'issuer' | 'signingConfig' | 'trustedRoot' | 'githubActionsEnv' | 'stop' | typeof Symbol.asyncDispose
>;

const ISSUE = '/api/v2/signingCert';
const TIMESTAMP = '/api/v1/timestamp';

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
      const token = request.headers.authorization?.replace(/^bearer /i, '') ?? '';
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
      // TimeStampReq (RFC 3161, 2.4.1): version, then the digest and its algorithm. cosign sends SHA-256.
      const imprint = ASN1Obj.parseBuffer(await bytesOf(request)).subs[1];
      const artifactHash = Buffer.from(imprint?.subs[1]?.value ?? []);
      clock.setTime(Math.floor(Date.now() / 1000) * 1000);
      response.writeHead(201, { 'content-type': 'application/timestamp-reply' });
      response.end(
        await tsa.timestamp({
          artifactHash,
          hashAlgorithmOID: imprint?.subs[0]?.subs[0]?.toOID() ?? '',
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
    const fulcioRootFile = join(folder, 'fulcio.pem');
    const timestampChainFile = join(folder, 'timestamp.pem');
    await writeFile(fulcioRootFile, pem(ca.rootCertificate));
    await writeFile(timestampChainFile, pem(tsa.intCertificate) + pem(tsa.rootCertificate));
    const files = await writeClientFiles(folder, {
      fulcioUrl: server.url,
      fulcioRootFile,
      issuer: oidc.url,
      timestampUrl: `${server.url}${TIMESTAMP}`,
      timestampChainFile,
    });
    const stop = stopper(
      () => server.close(),
      () => oidc.stop(),
      () => removeFolder(folder),
    );
    return {
      ...files,
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

function pem({
  buffer,
  byteOffset,
  byteLength,
}: Pick<DataView, 'buffer' | 'byteOffset' | 'byteLength'>): string {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`;
}

async function bytesOf(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
