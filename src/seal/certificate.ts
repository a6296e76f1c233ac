import { ASN1Obj } from '@sigstore/core';
import { optional } from '../core/object.ts';
import type { SignerIdentity } from './types.ts';

/** An extension of a certificate, as the verifier hands it out: its OID, and the content of its OCTET STRING. */
export interface CertificateExtension {
  readonly oid?: { readonly id: readonly number[] } | undefined;
  readonly value: Uint8Array;
}

const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const FULCIO = '1.3.6.1.4.1.57264.1';
const UTF8_STRING = 0x0c;
const GENERAL_NAME_EMAIL = 1;
const GENERAL_NAME_URI = 6;

/**
 * Who a Fulcio certificate was issued to, from its extensions (sigstore/fulcio, docs/oid-info.md). The DER-encoded ones
 * come first; the raw ones of the first version are used if they are missing.
 *
 * Throws an `Error` that says what is wrong for a certificate that is not for signing code, without an identity or
 * several, or names them ambiguously.
 */
export function certificateIdentity(
  extensions: readonly CertificateExtension[],
): Extract<SignerIdentity, { type: 'keyless' }> {
  const values = new Map<string, Uint8Array>();
  for (const { oid, value } of extensions) {
    const id = oid?.id.join('.') ?? '';
    if (values.has(id)) throw new Error(`the certificate has the extension ${id} twice`);
    values.set(id, value);
  }
  const read = (current: number, legacy?: number): string | undefined => {
    const encoded = values.get(`${FULCIO}.${current}`);
    if (encoded !== undefined) return utf8String(encoded);
    const raw = legacy === undefined ? undefined : values.get(`${FULCIO}.${legacy}`);
    return raw === undefined ? undefined : printable(raw);
  };
  const usages = values.get(EXTENDED_KEY_USAGE);
  if (usages === undefined || !parse(usages).subs.some((usage) => usage.toOID() === CODE_SIGNING)) {
    throw new Error('the certificate is not one for signing code');
  }
  const issuer = read(8, 1);
  const name = values.get(SUBJECT_ALTERNATIVE_NAME);
  if (issuer === undefined) throw new Error('the certificate does not say who vouched for the identity');
  if (name === undefined) throw new Error('the certificate has no identity');
  return {
    type: 'keyless',
    issuer,
    identity: alternativeName(name),
    ...optional('repository', repositoryOf(read(12, 5))),
    ...optional('ref', read(14, 6)),
    ...optional('trigger', read(20, 2)),
    ...optional('commit', read(13, 3)),
    ...optional('repositoryId', read(15)),
    ...optional('ownerId', read(17)),
    ...optional('runner', read(11)),
  };
}

/** GeneralNames (RFC 5280, 4.2.1.6) with exactly one name, a URI or an e-mail address. */
function alternativeName(der: Uint8Array): string {
  const names = parse(der).subs;
  const [name] = names;
  if (name === undefined || names.length !== 1) throw new Error(`the certificate has ${names.length} names`);
  if (!name.tag.isContextSpecific(GENERAL_NAME_URI) && !name.tag.isContextSpecific(GENERAL_NAME_EMAIL)) {
    throw new Error('the name in the certificate is neither a URI nor an e-mail address');
  }
  return printable(name.value);
}

function utf8String(der: Uint8Array): string {
  const object = parse(der);
  if (!object.tag.isUniversal() || object.tag.number !== UTF8_STRING) {
    throw new Error('an extension of the certificate is no UTF8String');
  }
  return printable(object.value);
}

function parse(der: Uint8Array): ASN1Obj {
  const object = ASN1Obj.parseBuffer(Buffer.from(der));
  // A reader that ignores what follows could read something else than another one that does not.
  if (object.toDER().length !== der.length)
    throw new Error('an extension of the certificate has trailing bytes');
  return object;
}

/** Names that are compared must look like what they are: no control characters, no bytes that decode to others. */
function printable(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  if (!/^[^\p{Cc}]+$/u.test(text)) throw new Error('a name in the certificate is empty or not printable');
  return text;
}

/** `owner/name` of a repository URI; the first version of the extension has it in that form already. */
function repositoryOf(value: string | undefined): string | undefined {
  return value?.replace(/^https?:\/\/[^/]+\//, '');
}
