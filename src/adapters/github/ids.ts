import { type Static, Type } from 'typebox';
import { Check } from 'typebox/schema';
import type { RepositoryIds } from '../../features/init/guess.ts';
import { unusableAnswer } from './failure.ts';
import { type ApiOptions, createApi } from './http.ts';

const IdsData = Type.Object({ id: Type.Integer(), owner: Type.Object({ id: Type.Integer() }) });

/**
 * The ids of `acme/app` and its owner (REST reference, "Get a repository"). Throws what the API throws, and
 * `github-failed` (exit 3) for an answer without them.
 */
export async function readRepositoryIds(name: string, options: ApiOptions): Promise<RepositoryIds> {
  const [owner = '', repo = ''] = name.split('/');
  const api = createApi(options);
  try {
    const answer: { readonly data: unknown } = await api.read('GET /repos/{owner}/{repo}', { owner, repo });
    if (!Check(IdsData, answer.data)) throw unusableAnswer('data of another form', options.host.name);
    const { id, owner: by }: Static<typeof IdsData> = answer.data;
    return { repositoryId: String(id), ownerId: String(by.id) };
  } finally {
    await api.close();
  }
}
