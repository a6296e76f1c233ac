import { PrimitiveError } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { field } from '../../core/object.ts';
import { argocdOf, partsOf, postgresOf } from '../../gitops/kit.ts';
import type { Kit, KitSourceRepository } from '../../gitops/kit-document.ts';
import type { SignerPolicy } from '../../repository/signers.ts';
import { PREDICATE } from '../../seal/types.ts';
import { writeYaml } from '../../yaml/write.ts';

/** Path -> text of the files of the repository that policies hold. */
export type AdmissionTexts = ReadonlyMap<string, string>;

/** Folder of the policies, one folder for each lane and one for previews, as Argo CD deploys them. */
const ADMISSION_FOLDER = 'argocd/admission';

/** Seconds: the most that Kubernetes allows for a webhook. A registry is asked for each image. */
const TIMEOUT = 30;

/** Public keys, trusted roots and roots of TUF that the policies of a kit hold: paths in the GitOps repository. */
export function admissionInputs(kit: Kit): readonly string[] {
  if (!partsOf(kit).includes('admission')) return [];
  const signers = (kit.sources ?? []).flatMap(({ trusted, accepted = [] }) => [...trusted, ...accepted]);
  const keys = signers.flatMap((signer) => ('key' in signer ? [signer.key] : []));
  const roots = (kit.sources ?? []).flatMap(({ trustedRoot }) => trustedRoot ?? []);
  return [...new Set([...keys, ...roots, ...(kit.admission?.tuf?.root ?? [])])];
}

/**
 * The policies by which Kyverno admits images, one for each lane and one for previews: path -> text. Each is an
 * ImageValidatingPolicy of namespaces, made from `sources` and `images` of kit.yaml.
 *
 * Throws `kit-key-missing` (exit 2) for a file that `texts` does not have.
 */
export function admissionPolicies(
  kit: Kit,
  texts: AdmissionTexts,
): readonly (readonly [path: string, text: string])[] {
  const { prefix } = argocdOf(kit);
  const lanes = kit.lanes.map((lane) => ({
    name: lane.name,
    selector: { 'kubernetes.io/metadata.name': lane.namespace },
    digest: lane.digest,
    accepted: lane.signers === 'accepted',
    action: lane.admission,
  }));
  // Images of previews have the tag of their commit, and pull requests seal them.
  const previews = {
    name: 'previews',
    selector: { 'app.kubernetes.io/managed-by': 'primitive-previews' },
    digest: false,
    accepted: true,
    action: kit.admission?.previews,
    image: postgresOf(kit).image,
  };
  return [...lanes, ...(partsOf(kit).includes('previews') ? [previews] : [])].map((target) => [
    `${ADMISSION_FOLDER}/${target.name}/policy.yaml`,
    headOf(target) +
      writeYaml(
        policyOf(target === previews ? withDatabase(kit) : kit, target, {
          name: `${prefix}-${target.name}`,
          texts,
        }),
      ),
  ]);
}

/** The throw-away databases of previews are of an image that kit.yaml names for them alone. */
function withDatabase(kit: Kit): Kit {
  return { ...kit, images: { allowed: [...(kit.images?.allowed ?? []), postgresOf(kit).repository] } };
}

/** The namespaces of a policy, and what it asks for. */
interface PolicyTarget {
  readonly name: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly digest: boolean;
  readonly accepted: boolean;
  readonly action: 'enforce' | 'audit' | undefined;
  /** One more that the kit itself runs there. */
  readonly image?: string;
}

function headOf({ name, accepted }: PolicyTarget): string {
  return `# Images that pods may have in ${name === 'previews' ? 'previews' : `the lane ${name}`}: those that a ${accepted ? 'trusted or accepted' : 'trusted'} signer of a source in kit.yaml has sealed, and
# \`images.allowed\`. All others are denied. Made from kit.yaml: change it there, then: primitive gitops init --update
`;
}

function policyOf(
  kit: Kit,
  { selector, digest, accepted, action, image }: PolicyTarget,
  { name, texts }: { readonly name: string; readonly texts: AdmissionTexts },
) {
  const sources = (kit.sources ?? []).map((source, i) => ({
    registry: source.registry,
    below: belowOf(source, kit),
    attestors: [...source.trusted, ...(accepted ? (source.accepted ?? []) : [])].map((signer, j) => ({
      name: `source${i}signer${j}`,
      cosign: cosignOf(signer, source, kit, texts),
    })),
  }));
  const known = [knownOf(kit, digest), ...(image === undefined ? [] : [`i == '${image}'`])].join(' || ');
  return {
    apiVersion: 'policies.kyverno.io/v1',
    kind: 'ImageValidatingPolicy',
    metadata: { name },
    spec: {
      validationActions: [action === 'audit' ? 'Audit' : 'Deny'],
      failurePolicy: 'Fail',
      webhookConfiguration: { timeoutSeconds: TIMEOUT },
      evaluation: { admission: { enabled: true }, background: { enabled: action === 'audit' } },
      // The rules below name what has pods; Kyverno would leave out pods of other makes.
      autogen: { podControllers: { controllers: [] } },
      matchConstraints: { namespaceSelector: { matchLabels: selector }, resourceRules: RULES },
      // Else the end of a pod, whose finalizers are updates, would wait for a registry.
      matchConditions: [{ name: 'images-are-new', expression: IMAGES_ARE_NEW }],
      matchImageReferences: sources.map(({ below }) => ({ expression: below('ref') })),
      validationConfigurations: { mutateDigest: false, verifyDigest: digest, required: true },
      variables: [{ name: 'unknown', expression: `${referencesOf('object')}.filter(i, !(${known}))` }],
      // In place of those that Kyverno has, with each image once: Kyverno 1.19 waits for itself if a new image comes after
      // one that it has seen before.
      images: [
        { name: 'containers', expression: `${referencesOf('object')}.distinct()` },
        { name: 'initContainers', expression: '[]' },
        { name: 'ephemeralContainers', expression: '[]' },
      ],
      attestors: sources.flatMap(({ attestors }) => attestors),
      attestations: [
        { name: 'signature', intoto: { type: PREDICATE.signature } },
        { name: 'provenance', intoto: { type: PREDICATE.provenance } },
      ],
      validations: [
        {
          expression: 'variables.unknown.size() == 0',
          messageExpression: `'Image ' + variables.unknown[0] + ' is not admitted: no source of kit.yaml publishes it${digest ? ' by that digest' : ''}, and images.allowed does not have it'`,
        },
        ...sources.map(({ registry, below, attestors }) => {
          const list = `[${attestors.map((attestor) => `attestors.${attestor.name}`).join(', ')}]`;
          const sealed = `verifyAttestationSignatures(i, attestations.signature, ${list}) > 0 && verifyAttestationSignatures(i, attestations.provenance, ${list}) > 0 && ${isComponent('i')}`;
          return {
            expression: `images.containers.filter(i, ${below('i')}).all(i, ${sealed})`,
            message: `An image of ${registry} is not admitted: no ${accepted ? 'trusted or accepted' : 'trusted'} signer of kit.yaml has sealed it for that name`,
          };
        }),
      ],
    },
  };
}

/** Everything that has pods, or changes what is in one. */
const RULES = [
  { apiGroups: [''], apiVersions: ['v1'], resources: ['pods', 'pods/ephemeralcontainers'] },
  { apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments', 'statefulsets', 'daemonsets'] },
  { apiGroups: ['batch'], apiVersions: ['v1'], resources: ['jobs', 'cronjobs'] },
].map((rule) => ({ ...rule, operations: ['CREATE', 'UPDATE'] }));

/** All images of the pod of an object of those rules, as CEL: image volumes too. */
function referencesOf(object: string): string {
  const pod = `${object}.kind == 'Pod' ? ${object}.spec : ${object}.kind == 'CronJob' ? ${object}.spec.jobTemplate.spec.template.spec : ${object}.spec.template.spec`;
  const containers = ['containers', 'initContainers', 'ephemeralContainers'].map(
    (key) => `pod.?${key}.orValue([]).map(c, string(c.?image.orValue('')))`,
  );
  const volumes =
    "pod.?volumes.orValue([]).filter(v, has(v.image)).map(v, string(v.image.?reference.orValue('')))";
  // In place of cel.bind, which the API server does not have: it would hand all updates to Kyverno.
  return `[${pod}].map(pod, ${[...containers, volumes].join(' + ')})[0]`;
}

const IMAGES_ARE_NEW = `request.operation == 'CREATE' || oldObject == null || ${referencesOf('object')} != ${referencesOf('oldObject')}`;

/** Whether an image is below the registry of a source, and not below one of another source that is deeper, as CEL. */
function belowOf({ registry }: KitSourceRepository, { sources = [] }: Kit): (image: string) => string {
  const deeper = sources.filter((other) => other.registry.startsWith(`${registry}/`));
  return (image) =>
    [
      `${image}.startsWith('${registry}/')`,
      ...deeper.map((other) => `!${image}.startsWith('${other.registry}/')`),
    ].join(' && ');
}

/** Whether an image is of a source, or allowed, and has the form that the lane asks for, as CEL. */
function knownOf({ sources = [], images }: Kit, digest: boolean): string {
  const folders = [
    ...sources.map(({ registry }) => `${registry}/`),
    ...(images?.allowed ?? []).filter((entry) => entry.endsWith('/')),
  ];
  const names = (images?.allowed ?? []).filter((entry) => !entry.endsWith('/'));
  const path = '[a-z0-9]+([._/-]+[a-z0-9]+)*';
  const repositories = [...folders.map((folder) => `${literal(folder)}${path}`), ...names.map(literal)];
  const tag = ':[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
  const hash = '@sha256:[0-9a-f]{64}';
  const end = digest ? `(${tag})?${hash}` : `(${tag})?(${hash})?`;
  return `i.matches('^(${repositories.join('|')})${end}$')`;
}

/** A text in a regular expression in a string of CEL. */
function literal(text: string): string {
  return text.replace(/[.]/g, '[.]');
}

/** Whether the provenance names the repository of an image: what was sealed for one name runs under no other, as CEL. */
function isComponent(image: string): string {
  const name = `string(extractPayload(${image}, attestations.provenance).predicate.buildDefinition.externalParameters.component.image)`;
  return `[${name}].all(n, ${image} == n || ${image}.startsWith(n + ':') || ${image}.startsWith(n + '@'))`;
}

function cosignOf(
  signer: SignerPolicy,
  { trustedRoot }: KitSourceRepository,
  { admission }: Kit,
  texts: AdmissionTexts,
) {
  if ('key' in signer) {
    // A key has no certificate that expires: neither a log nor a time is needed to judge it.
    return { key: { data: read(signer.key, texts), hashAlgorithm: 'sha256' }, ctlog: WITHOUT_LOGS };
  }
  const { issuer, identity } = signer;
  const subject = identity.includes('*') ? { subjectRegExp: patternOf(identity) } : { subject: identity };
  const root = trustedRoot === undefined ? undefined : read(trustedRoot, texts);
  const { mirror, root: tufRoot } = admission?.tuf ?? {};
  return {
    keyless: { identities: [{ issuer, ...subject }] },
    ...(root === undefined ? {} : { trustedRoot: { value: root }, ...logsOf(root) }),
    ...(mirror === undefined
      ? {}
      : {
          tuf: {
            mirror,
            ...(tufRoot === undefined ? {} : { root: { data: base64(read(tufRoot, texts)) } }),
          },
        }),
  };
}

const WITHOUT_LOGS = { insecureIgnoreTlog: true, insecureIgnoreSCT: true };

/** A private Sigstore may have no logs; then a signed timestamp says when a certificate was used. */
function logsOf(trustedRoot: string): { readonly ctlog?: object } {
  const lacks = (key: string) => {
    const logs = field(parseJson(trustedRoot), key);
    return !Array.isArray(logs) || logs.length === 0;
  };
  const ctlog = {
    ...(lacks('tlogs') ? { insecureIgnoreTlog: true } : {}),
    ...(lacks('ctlogs') ? { insecureIgnoreSCT: true } : {}),
  };
  return Object.keys(ctlog).length === 0 ? {} : { ctlog };
}

/** `*` is any run of characters except `@` and `/`; all else is literal. */
function patternOf(identity: string): string {
  const literals = identity.split(/\*+/).map((part) => part.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&'));
  return `^${literals.join('[^@/]*')}$`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function read(path: string, texts: AdmissionTexts): string {
  const text = texts.get(path);
  if (text !== undefined) return text;
  throw new PrimitiveError('kit-key-missing', `${path} not found in the repository.`, {
    why: 'kit.yaml names it, and the policy of admission holds its text.',
    suggestions: [`Commit ${path}, then run the same command again.`],
  });
}
