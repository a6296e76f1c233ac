import { randomInt } from 'node:crypto';

type Json = Readonly<Record<string, unknown>>;
type Answered = { readonly status: number; readonly body?: unknown } | undefined;

/** Settings of a repository, as far as the kit sets it up: rulesets, environments, rights of workflows, names of secrets. */
export class DoubleSettings {
  readonly rulesets: Json[] = [];
  readonly environments = new Map<
    string,
    { policy: unknown; branches: { id: number; name: string }[]; secrets: string[] }
  >();
  readonly secrets: string[] = [];
  workflow: Json = { default_workflow_permissions: 'write', can_approve_pull_request_reviews: true };

  /** Answers a call below the repository; undefined where GitHub has no such place. */
  answer(method: string, path: string, body: Json): Answered {
    const [place = '', id] = path.split('/').slice(1);
    if (place === 'rulesets') return this.#rulesets(method, id, body);
    if (path === '/actions/permissions/workflow') {
      if (method === 'GET') return ok(this.workflow);
      this.workflow = body;
      return { status: 204 };
    }
    if (path === '/actions/secrets') return ok({ secrets: this.secrets.map((name) => ({ name })) });
    if (place !== 'environments' || id === undefined) return undefined;
    return this.#environments(method, id, path.slice(`/environments/${id}`.length), body);
  }

  #rulesets(method: string, id: string | undefined, body: Json): Answered {
    const index = this.rulesets.findIndex((one) => `${one.id}` === id);
    if (id !== undefined && index < 0) return undefined;
    if (method === 'GET')
      return ok(
        id === undefined
          ? this.rulesets.map(({ id: own, name }) => ({ id: own, name }))
          : this.rulesets[index],
      );
    if (!Array.isArray(body.rules) || body.target !== 'branch')
      return { status: 422, body: { message: 'Invalid rules' } };
    if (method === 'PUT') this.rulesets[index] = { ...body, id: Number(id) };
    else this.rulesets.push({ ...body, id: randomInt(1, 1e6) });
    return { status: method === 'PUT' ? 200 : 201, body: this.rulesets.at(index) };
  }

  #environments(method: string, id: string, below: string, body: Json): Answered {
    const environment = this.environments.get(id);
    if (method === 'PUT' && below === '') {
      const before = environment ?? { branches: [], secrets: [] };
      this.environments.set(id, { ...before, policy: body.deployment_branch_policy });
      return ok({ name: id });
    }
    if (environment === undefined) return undefined;
    if (below === '') return ok({ name: id, deployment_branch_policy: environment.policy });
    if (below === '/secrets') return ok({ secrets: environment.secrets.map((name) => ({ name })) });
    if (below === '/deployment-branch-policies') {
      if (method === 'GET') return ok({ branch_policies: environment.branches });
      environment.branches.push({ id: randomInt(1, 1e6), name: `${body.name}` });
      return ok(environment.branches.at(-1));
    }
    const policy = /^\/deployment-branch-policies\/(\d+)$/.exec(below)?.[1];
    if (method !== 'DELETE' || policy === undefined) return undefined;
    environment.branches = environment.branches.filter((branch) => `${branch.id}` !== policy);
    return { status: 204 };
  }
}

function ok(value: unknown): Answered {
  return { status: 200, body: value };
}
