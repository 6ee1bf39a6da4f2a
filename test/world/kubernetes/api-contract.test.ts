import { randomBytes } from 'node:crypto';
import {
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  PatchStrategy,
  setHeaderOptions,
  type V1ListMeta,
  VersionApi,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf } from './failure-of.ts';
import { type ClusterUnderTest, clustersUnderTest } from './under-test.ts';

/** Events are safe to create: no controller acts on them. */
const COUNT = 7;

/** The token for the next page. */
function tokenOf({ metadata }: { readonly metadata?: V1ListMeta }): string | undefined {
  const { _continue: token } = metadata ?? {};
  return token;
}

const as = (type: string) => setHeaderOptions('Content-Type', type);

describe.each(clustersUnderTest())('%s', (_name, open) => {
  const namespace = `wrench-test-${randomBytes(4).toString('hex')}`;
  let cluster: ClusterUnderTest;
  let core: CoreV1Api;

  beforeAll(async () => {
    cluster = await open();
    core = cluster.config.makeApiClient(CoreV1Api);
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    for (let index = 0; index < COUNT; index++) {
      const involvedObject = { kind: index < 4 ? 'Pod' : 'Service', name: `thing-${index}`, namespace };
      const metadata = {
        name: `event-${index}`,
        namespace,
        labels: { half: index < 4 ? 'first' : 'second' },
      };
      const body = { metadata, involvedObject, reason: 'Tested', message: 'by a test', type: 'Normal' };
      await core.createNamespacedEvent({ namespace, body });
    }
  });
  afterAll(async () => {
    await core.deleteNamespace({ name: namespace });
    await cluster.close();
  });

  const nameOfNode = async () => (await core.listNode({ limit: 1 })).items[0]!.metadata!.name!;

  test('the version begins with v1', async () => {
    const { gitVersion } = await cluster.config.makeApiClient(VersionApi).getCode();
    expect(gitVersion).toMatch(/^v1\.\d+\.\d+/);
  });

  test('a list is paged, and has every object once', async () => {
    const names: string[] = [];
    const sizes: number[] = [];
    let token: string | undefined;
    do {
      const page = await core.listNamespacedEvent({
        namespace,
        limit: 3,
        ...(token && { _continue: token }),
      });
      names.push(...page.items.map(({ metadata }) => metadata.name!));
      sizes.push(page.items.length);
      token = tokenOf(page);
    } while (token);
    expect(new Set(names)).toEqual(new Set(Array.from({ length: COUNT }, (_, index) => `event-${index}`)));
    expect(sizes).toEqual([3, 3, 1]);
  });

  test('an invalid token is rejected', async () => {
    const { code, message } = await failureOf(core.listNamespacedEvent({ namespace, _continue: 'made up' }));
    expect(code).toBe(400);
    expect(message).toMatch(/^continue key is not valid/);
  });

  test('with a selector, the number of remaining items is absent', async () => {
    const selected = await core.listNamespacedEvent({ namespace, limit: 2, labelSelector: 'half=first' });
    expect(selected.items).toHaveLength(2);
    expect(tokenOf(selected)).toBeTruthy();
    expect(selected.metadata?.remainingItemCount).toBeUndefined();
  });

  test('label selectors', async () => {
    const count = async (labelSelector: string) =>
      (await core.listNamespacedEvent({ namespace, labelSelector })).items.length;
    expect(await count('half=first')).toBe(4);
    expect(await count('half!=first')).toBe(3);
    expect(await count('half in (first, second),!absent')).toBe(7);
    expect(await count('absent')).toBe(0);
  });

  test('supported field selectors', async () => {
    const { items } = await core.listNamespacedEvent({ namespace, fieldSelector: 'involvedObject.kind=Pod' });
    expect(items).toHaveLength(4);
  });

  test('an unsupported field selector is rejected', async () => {
    const refused = await failureOf(core.listPodForAllNamespaces({ fieldSelector: 'status.reason=Evicted' }));
    expect(refused).toMatchObject({ code: 400, message: 'field label not supported: status.reason' });
  });

  test('404 names the object', async () => {
    const { code, message } = await failureOf(core.readNamespacedEvent({ name: 'absent', namespace }));
    expect(code).toBe(404);
    expect(message).toBe('events "absent" not found');
  });

  test('creating an object with an existing name is a conflict', async () => {
    const body = { metadata: { name: 'event-0', namespace }, involvedObject: { namespace } };
    expect((await failureOf(core.createNamespacedEvent({ namespace, body }))).code).toBe(409);
  });

  test.each([
    [
      'an object as a JSON patch',
      { reason: 'X' },
      PatchStrategy.JsonPatch,
      400,
      /cannot unmarshal object into Go value/,
    ],
    ['an unknown type', { reason: 'X' }, 'text/plain', 415, /unknown format/],
    [
      'another uid',
      { metadata: { uid: 'u-2' } },
      PatchStrategy.MergePatch,
      422,
      /metadata\.uid: Invalid value.*immutable/,
    ],
    [
      'an old version',
      { metadata: { resourceVersion: '1' } },
      PatchStrategy.MergePatch,
      409,
      /the object has been modified/,
    ],
    [
      'a test that fails',
      [{ op: 'test', path: '/reason', value: 'Other' }],
      PatchStrategy.JsonPatch,
      422,
      /the server rejected our request/,
    ],
  ])('a patch is refused: %s', async (_what, body, type, code, message) => {
    const refused = await failureOf(
      core.patchNamespacedEvent({ name: 'event-1', namespace, body }, as(type)),
    );
    expect(refused.code).toBe(code);
    expect(refused.message).toMatch(message);
  });

  test('a merge patch sets and removes', async () => {
    const patch = (annotation: string | null) =>
      core.patchNamespacedEvent(
        { name: 'event-2', namespace, body: { metadata: { annotations: { 'wrench/test': annotation } } } },
        as(PatchStrategy.MergePatch),
      );
    expect((await patch('yes')).metadata.annotations).toEqual({ 'wrench/test': 'yes' });
    expect((await patch(null)).metadata.annotations ?? {}).toEqual({});
  });

  test('a uid precondition on delete', async () => {
    const { metadata } = await core.readNamespacedEvent({ name: 'event-3', namespace });
    const remove = (uid: string) =>
      core.deleteNamespacedEvent({ name: 'event-3', namespace, body: { preconditions: { uid } } });
    const refused = await failureOf(remove('u-0'));
    expect(refused.code).toBe(409);
    expect(refused.message).toMatch(/Precondition failed: UID in precondition: u-0, UID in object meta: /);
    await remove(metadata.uid!);
    expect((await failureOf(core.readNamespacedEvent({ name: 'event-3', namespace }))).code).toBe(404);
    const body = {
      metadata: { name: 'event-3', namespace, labels: { half: 'first' } },
      involvedObject: { kind: 'Pod', namespace },
    };
    await core.createNamespacedEvent({ namespace, body });
  });

  test('a strategic merge patch changes one field of a probe, as its field manager', async () => {
    const apps = cluster.config.makeApiClient(AppsV1Api);
    const labels = { app: 'probed' };
    const containers = ['web', 'proxy'].map((name) => ({
      name,
      image: 'registry.example/none:1',
      livenessProbe: { tcpSocket: { port: 80 }, failureThreshold: 3, timeoutSeconds: 2 },
    }));
    await apps.createNamespacedDeployment({
      namespace,
      body: {
        metadata: { name: 'probed', namespace, labels },
        spec: {
          replicas: 0,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers } },
        },
      },
    });
    const named = { name: 'probed', namespace };
    const read = () => apps.readNamespacedDeployment(named);
    const probeOf = ({ spec }: Awaited<ReturnType<typeof read>>, at: number) =>
      spec?.template.spec?.containers[at]?.livenessProbe;
    const before = await read();
    const patch = (
      failureThreshold: number,
      more: { readonly dryRun?: string; readonly uid?: string; readonly resourceVersion?: string } = {},
    ) =>
      apps.patchNamespacedDeployment(
        {
          ...named,
          fieldManager: 'wrench-test',
          ...(more.dryRun !== undefined && { dryRun: more.dryRun }),
          body: {
            metadata: {
              uid: more.uid ?? before.metadata?.uid,
              ...(more.resourceVersion !== undefined && { resourceVersion: more.resourceVersion }),
            },
            spec: {
              template: { spec: { containers: [{ name: 'web', livenessProbe: { failureThreshold } }] } },
            },
          },
        },
        as(PatchStrategy.StrategicMergePatch),
      );

    expect(probeOf(await patch(9, { dryRun: 'All' }), 0)).toMatchObject({ failureThreshold: 9 });
    expect(probeOf(await read(), 0)).toMatchObject({ failureThreshold: 3 });
    expect((await failureOf(patch(0))).code).toBe(422);
    expect(await failureOf(patch(9, { uid: 'u-2' }))).toMatchObject({
      code: 422,
      status: { details: { causes: [{ field: 'metadata.uid' }] } },
    });

    await patch(9);
    const after = await read();
    expect(probeOf(after, 0)).toMatchObject({
      failureThreshold: 9,
      timeoutSeconds: 2,
      tcpSocket: { port: 80 },
    });
    expect(probeOf(after, 1)).toEqual(probeOf(before, 1));
    expect(after.metadata?.generation).toBe(2);
    const own = after.metadata?.managedFields?.find(({ manager }) => manager === 'wrench-test');
    expect(own).toMatchObject({ operation: 'Update' });
    expect(JSON.stringify(own)).toContain('"f:livenessProbe":{"f:failureThreshold":{}}');
    const { resourceVersion = '' } = before.metadata ?? {};
    expect((await failureOf(patch(12, { resourceVersion }))).code).toBe(409);
  });

  test('a dry run does not cordon a node', async () => {
    const name = await nameOfNode();
    const before = await core.readNode({ name });
    const tried = await core.patchNode(
      { name, body: { spec: { unschedulable: true } }, dryRun: 'All' },
      as(PatchStrategy.StrategicMergePatch),
    );
    expect(tried.spec?.unschedulable).toBe(true);
    expect((await core.readNode({ name })).spec?.unschedulable).toBe(before.spec?.unschedulable);
  });

  test('an access review agrees with the request', async () => {
    const auth = cluster.config.makeApiClient(AuthorizationV1Api);
    const review = await auth.createSelfSubjectAccessReview({
      body: { spec: { resourceAttributes: { verb: 'list', resource: 'nodes' } } },
    });
    const lists = await core.listNode({ limit: 1 }).then(
      () => true,
      () => false,
    );
    expect(review.status?.allowed).toBe(lists);
  });

  test('a kubelet returns its stats and configuration', async () => {
    const name = await nameOfNode();
    const stats: unknown = await core.connectGetNodeProxyWithPath({ name, path: 'stats/summary' });
    expect(stats).toMatchObject({
      node: { nodeName: name, fs: { capacityBytes: expect.any(Number) as number } },
    });
    const config: unknown = await core.connectGetNodeProxyWithPath({ name, path: 'configz' });
    expect(config).toMatchObject({ kubeletconfig: {} });
  });
});
