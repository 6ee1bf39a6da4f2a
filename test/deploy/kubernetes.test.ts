import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { readConfig, readEnvironment } from '../../src/config/read-config.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { filesIn, readAllYaml, readText, readYaml, SLACK_SECRETS } from './tree.ts';

const HEALTH_PORT = 8_080;
const FOLDER = 'deploy/kubernetes';

const probe = (path: string) =>
  z.object({ httpGet: z.strictObject({ path: z.literal(path), port: z.literal('health') }) });
const container = z.object({
  image: z.literal('wrench'),
  args: z.array(z.string()),
  envFrom: z.array(z.strictObject({ secretRef: z.strictObject({ name: z.string() }) })),
  env: z.tuple([z.strictObject({ name: z.literal('HEALTH_HOST'), value: z.literal('0.0.0.0') })]),
  ports: z.tuple([z.strictObject({ name: z.literal('health'), containerPort: z.literal(HEALTH_PORT) })]),
  startupProbe: probe('/healthz'),
  livenessProbe: probe('/healthz'),
  readinessProbe: probe('/readyz'),
  resources: z.strictObject({
    requests: z.strictObject({ cpu: z.string(), memory: z.string() }),
    limits: z.strictObject({ memory: z.string() }),
  }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  volumeMounts: z.array(
    z.object({ name: z.string(), mountPath: z.string(), readOnly: z.literal(true).optional() }),
  ),
});
const deployment = z.object({
  kind: z.literal('Deployment'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    replicas: z.number().min(2),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        serviceAccountName: z.string(),
        automountServiceAccountToken: z.literal(false),
        terminationGracePeriodSeconds: z.number(),
        securityContext: z.object({ runAsNonRoot: z.literal(true), runAsUser: z.literal(1_000) }),
        containers: z.tuple([container]),
        volumes: z.array(
          z.object({
            name: z.string(),
            configMap: z.object({ name: z.string() }).optional(),
            emptyDir: z.object({ sizeLimit: z.string() }).optional(),
            secret: z.object({ secretName: z.string(), optional: z.boolean() }).optional(),
            projected: z
              .object({ sources: z.array(z.object({ serviceAccountToken: z.object({ path: z.string() }) })) })
              .optional(),
          }),
        ),
      }),
    }),
  }),
});
const policy = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    podSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    policyTypes: z.array(z.string()),
    egress: z.array(z.unknown()),
  }),
});

const manifests = filesIn(FOLDER).filter((name) => name.endsWith('.yaml'));
const all = manifests.flatMap((name) =>
  readAllYaml(`${FOLDER}/${name}`).map((document) => ({
    file: name,
    kind: z.object({ kind: z.string() }).parse(document).kind,
    document,
  })),
);
const ofKind = (kind: string) => all.filter((one) => one.kind === kind).map((one) => one.document);
const [bot, worker] = ['wrench-bot', 'wrench-worker'].map((name) => {
  const found = ofKind('Deployment').map((one) => deployment.parse(one));
  const { spec } = found.find(({ metadata }) => metadata.name === name) ?? {};
  if (!spec) throw new Error(`no Deployment ${name}`);
  return { ...spec, pod: spec.template.spec, container: spec.template.spec.containers[0] };
}) as [Role, Role];
type Role = z.output<typeof deployment>['spec'] & {
  readonly pod: z.output<typeof deployment>['spec']['template']['spec'];
  readonly container: z.output<typeof container>;
};
const secrets = new Map(
  ofKind('Secret').map((one) => {
    const secret = z.object({
      metadata: z.object({ name: z.string() }),
      stringData: z.record(z.string(), z.string()),
    });
    const { metadata, stringData } = secret.parse(one);
    return [metadata.name, stringData] as const;
  }),
);
const configFile = z.object({ data: z.object({ 'wrench.yaml': z.string() }) }).parse(ofKind('ConfigMap')[0])
  .data['wrench.yaml'];

async function readConfigMap(variables: Record<string, string>, sources: 'read' | 'skip') {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-kubernetes-'));
  const path = join(folder, 'wrench.yaml');
  await writeFile(path, configFile);
  const { checks } = await loadCatalogue();
  try {
    return readConfig(path, variables, { sources, checks });
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('each role runs its own command, with its own Secret and its own service account', () => {
  for (const [role, { container, pod }] of [
    ['bot', bot],
    ['worker', worker],
  ] as const) {
    expect(container.args).toEqual([role]);
    expect(container.envFrom).toEqual([{ secretRef: { name: `wrench-${role}` } }]);
    expect(pod.serviceAccountName).toBe(`wrench-${role}`);
  }
});

test('the bot has no secrets of the infrastructure, and the worker none of Slack', () => {
  const [forBot, forWorker] = [secrets.get('wrench-bot') ?? {}, secrets.get('wrench-worker') ?? {}];

  expect(Object.keys(forBot).filter((name) => !(name in settingsSchema.shape))).toEqual([]);
  expect(SLACK_SECRETS.filter((name) => name in forWorker)).toEqual([]);
  expect(bot.pod.volumes.filter(({ projected, secret }) => projected ?? secret)).toEqual([]);
  for (const variables of [forBot, forWorker]) expect(() => readEnvironment(variables)).not.toThrow();
});

test('the configuration is valid for both roles, and the bot ignores its sources', async () => {
  const forWorker = await readConfigMap(secrets.get('wrench-worker') ?? {}, 'read');
  const forBot = await readConfigMap(secrets.get('wrench-bot') ?? {}, 'skip');

  expect(forWorker.environments['prod']?.sources).toHaveLength(2);
  expect(forBot.environments).toEqual({ prod: { sources: [] } });
});

test("Vault's login uses the projected token", async () => {
  const { environments } = await readConfigMap({}, 'read');
  const vault = environments['prod']?.sources.find(({ kind }) => kind === 'vault');
  const mount = worker.container.volumeMounts.find(({ name }) => name === 'vault-token');
  const volume = worker.pod.volumes.find(({ name }) => name === 'vault-token');

  expect(vault).toMatchObject({ auth: { kubernetes: { jwtFile: `${mount?.mountPath}/token` } } });
  expect(volume?.projected?.sources[0]?.serviceAccountToken.path).toBe('token');
});

test('the worker mounts the optional kubeconfigs of other clusters read-only', () => {
  const mount = worker.container.volumeMounts.find(({ name }) => name === 'kubeconfigs');
  const volume = worker.pod.volumes.find(({ name }) => name === 'kubeconfigs');

  expect(volume?.secret).toEqual({ secretName: 'wrench-kubeconfigs', optional: true });
  expect(mount?.readOnly).toBe(true);
  // The guide uses the same Secret and the same folder.
  expect(readText(`${FOLDER}/README.md`)).toContain('create secret generic wrench-kubeconfigs');
  expect(readText(`${FOLDER}/README.md`)).toContain(`kubeconfig: ${mount?.mountPath}/`);
});

test('the worker mounts the optional credentials of container engines read-only', () => {
  const mount = worker.container.volumeMounts.find(({ name }) => name === 'engines');
  const volume = worker.pod.volumes.find(({ name }) => name === 'engines');

  expect(volume?.secret).toEqual({ secretName: 'wrench-engines', optional: true });
  expect(mount?.readOnly).toBe(true);
  const guide = readText(`${FOLDER}/README.md`);
  const keys = [...guide.matchAll(/create secret generic wrench-engines .*/g)].join();
  for (const [, key = ''] of guide.matchAll(new RegExp(`${mount?.mountPath}/(\\w+)`, 'g')))
    expect(keys).toMatch(new RegExp(`--from-file=${key}\\b`));
  expect(guide).toContain(`ssh: { key: ${mount?.mountPath}/`);
});

test('only the component `in-cluster` gives the worker a token of the API server, and the bot never has one', () => {
  const component = z
    .object({
      kind: z.literal('Component'),
      patches: z.tuple([
        z.object({
          target: z.strictObject({ kind: z.literal('Deployment'), name: z.string() }),
          patch: z.string(),
        }),
      ]),
    })
    .parse(readYaml(`${FOLDER}/in-cluster/kustomization.yaml`));
  const [{ target, patch }] = component.patches;

  expect(target.name).toBe('wrench-worker');
  expect(parse(patch)).toEqual([
    { op: 'replace', path: '/spec/template/spec/automountServiceAccountToken', value: true },
  ]);
});

test('the grace period of a pod is longer than its role may need to stop', async () => {
  const { limits } = await readConfigMap({}, 'read');

  expect(worker.pod.terminationGracePeriodSeconds).toBeGreaterThan(limits.stopSeconds + 10);
  expect(bot.pod.terminationGracePeriodSeconds).toBeGreaterThan(10);
});

test('the probes use the default health port', () => {
  expect(readEnvironment({}).healthPort).toBe(HEALTH_PORT);
  for (const variables of secrets.values()) expect(variables['HEALTH_PORT']).toBeUndefined();
});

test('the configuration is mounted where the image reads it', () => {
  const path = /WRENCH_CONFIG=(\S+)\/wrench\.yaml/.exec(readText('deploy/Dockerfile'))?.[1];

  for (const { container, pod } of [bot, worker]) {
    expect(container.volumeMounts).toContainEqual({ name: 'config', mountPath: path, readOnly: true });
    expect(pod.volumes).toContainEqual({ name: 'config', configMap: { name: 'wrench' } });
  }
});

test('only the bot writes to a volume: the last audit head, where the image stores it', () => {
  const path = /WRENCH_DATA=(\S+)/.exec(readText('deploy/Dockerfile'))?.[1];
  const writable = ({ container }: typeof bot) => container.volumeMounts.filter(({ readOnly }) => !readOnly);

  expect(writable(worker)).toEqual([]);
  expect(writable(bot)).toEqual([{ name: 'data', mountPath: path }]);
  expect(bot.pod.volumes).toContainEqual({ name: 'data', emptyDir: { sizeLimit: '1Mi' } });
});

test('every budget and policy selects existing pods', () => {
  const selector = z.object({
    spec: z.object({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }) }),
  });
  const budgets = ofKind('PodDisruptionBudget').map((one) => selector.parse(one).spec.selector.matchLabels);
  const policies = ofKind('NetworkPolicy').map((one) => policy.parse(one).spec.podSelector.matchLabels);
  const selects = (labels: Record<string, string>) =>
    [bot, worker].filter(({ template }) =>
      Object.entries(labels).every(([name, value]) => template.metadata.labels[name] === value),
    ).length;

  expect(budgets.map(selects)).toEqual([1, 1]);
  expect(policies.map(selects)).toEqual([2, 1, 1]);
  for (const { selector, template } of [bot, worker])
    expect(template.metadata.labels).toEqual(selector.matchLabels);
});

test('the bot can reach only Redis inside, and the worker nothing outside', () => {
  const egress = new Map(
    ofKind('NetworkPolicy')
      .map((one) => policy.parse(one))
      .map(({ metadata, spec }) => [metadata.name, spec.egress]),
  );

  expect(egress.get('wrench-bot')).toEqual([
    {
      to: [
        {
          ipBlock: {
            cidr: '0.0.0.0/0',
            except: expect.arrayContaining(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']),
          },
        },
      ],
      ports: [{ port: 443 }],
    },
  ]);
  expect(JSON.stringify(egress.get('wrench-worker'))).not.toContain('0.0.0.0/0');
  expect(ofKind('NetworkPolicy').every((one) => policy.parse(one).spec.policyTypes.includes('Egress'))).toBe(
    true,
  );
});

test('the kustomization lists every file except the example secrets, and sets the image of the pods', () => {
  const kustomization = z.object({
    resources: z.array(z.string()),
    images: z.tuple([z.object({ name: z.string(), newTag: z.string() })]),
  });
  const { resources, images } = kustomization.parse(ofKind('Kustomization')[0]);
  const { version } = JSON.parse(readText('package.json')) as { version: string };

  expect(resources.toSorted()).toEqual(
    manifests.filter((name) => !['kustomization.yaml', 'secrets.example.yaml'].includes(name)),
  );
  expect(images[0]).toMatchObject({ name: 'wrench', newTag: version });
});
