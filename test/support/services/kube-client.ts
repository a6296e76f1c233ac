import { request as httpsRequest } from 'node:https';
import { bodyOf } from './http.ts';
import type { Kube } from './kube.ts';

/** What most tests ask of an API server: kubectl takes a tenth of a second to start. */
export interface KubeClient {
  /** Server-side apply ("Server-Side Apply", "Field validation"); throws what the server says. */
  apply(object: KubeManifest, options?: { readonly dryRun?: boolean }): Promise<void>;
  /** Changes the status of an object, as its controller would. */
  setStatus(object: KubeManifest, status: object): Promise<void>;
  /** Changes the finalizers of an object, as a controller does that has done its part. */
  setFinalizers(object: KubeManifest, finalizers: readonly string[]): Promise<void>;
  /** The items of a list, such as `api/v1/namespaces`. */
  list<T>(path: string): Promise<readonly T[]>;
}

/** What names an object. */
export interface KubeManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** A client with a bearer token. */
export function createKubeClient({
  address,
  ca,
  token,
}: {
  readonly address: Kube['address'];
  readonly ca: Buffer;
  readonly token: string;
}): KubeClient {
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    type: 'apply-patch+yaml' | 'merge-patch+json' = 'apply-patch+yaml',
  ): Promise<unknown> => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': `application/${type}` }),
    };
    const { status, text } = await new Promise<{ status: number | undefined; text: string }>(
      (resolve, reject) => {
        httpsRequest({ ...address, ca, method, path: `/${path}`, headers }, (answer) => {
          bodyOf(answer).then((text) => resolve({ status: answer.statusCode, text }), reject);
        })
          .on('error', reject)
          .end(body === undefined ? undefined : JSON.stringify(body));
      },
    );
    const answer = JSON.parse(text);
    if (status === 200 || status === 201) return answer;
    throw new Error(`${method} ${path}: ${status} ${answer.message}`);
  };

  /** The path of an object, by what the server says about its kind. */
  const pathOf = async ({ apiVersion, kind, metadata }: KubeManifest): Promise<string> => {
    const group = `${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`;
    const { resources } = (await call('GET', group)) as { resources: readonly Resource[] };
    // Others of the same kind are a part of it, such as its status.
    const resource = resources.find((each) => each.kind === kind && !each.name.includes('/'));
    if (resource === undefined) throw new Error(`${group} has no ${kind}`);
    const namespace = resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : '';
    return `${group}${namespace}/${resource.name}/${metadata.name}`;
  };

  return {
    async apply(object, { dryRun = false } = {}) {
      const query = `fieldManager=tests&force=true&fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`;
      await call('PATCH', `${await pathOf(object)}?${query}`, object);
    },
    async setStatus(object, status) {
      await call('PATCH', `${await pathOf(object)}/status`, { status }, 'merge-patch+json');
    },
    async setFinalizers(object, finalizers) {
      await call('PATCH', await pathOf(object), { metadata: { finalizers } }, 'merge-patch+json');
    },
    async list<T>(path: string) {
      const { kind, items } = (await call('GET', path)) as { kind: string; items: readonly T[] };
      // Items of what comes with Kubernetes do not say it themselves.
      return items.map((item) => ({ kind: kind.replace(/List$/, ''), ...item }));
    },
  };
}
