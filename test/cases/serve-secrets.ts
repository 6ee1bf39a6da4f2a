import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaseAnswer, CaseFile } from './case-file.ts';
import { fieldOf, type KnownCall, knownCalls, objectsIn } from './known-calls.ts';
import { serveCase } from './serve-case.ts';

const NAME = 'kubernetes';
const SELECTORS: ReadonlySet<string> = new Set([
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
]);
const CONFIG_MAP = /^\/api\/v1\/namespaces\/([^/]+)\/configmaps\/([^/]+)$/;

/** A cluster with the Secrets and custom resources of a case. Its ConfigMaps are trust bundles. */
export async function serveSecrets(
  file: CaseFile,
  folder: string,
): Promise<{ readonly source: object; readonly close: () => Promise<void> }> {
  const calls = knownCalls(file.certificates?.kubernetes);
  const cluster = await serveCase({ ...file, answers: answersOf(calls) }, NAME);
  const kubeconfig = join(folder, 'certificates.kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig({ context: NAME }), { mode: 0o600 });
  return {
    source: {
      kind: 'kubernetes',
      name: NAME,
      kubeconfig,
      certificates: { secrets: 'all', trust: bundlesIn(calls) },
      allow: { renew: {}, restart: { managed: true } },
    },
    close: cluster.close,
  };
}

function bundlesIn(calls: readonly KnownCall[]): readonly string[] {
  const single = calls.flatMap(({ path }) => CONFIG_MAP.exec(path)?.slice(1).join('/') ?? []);
  const listed = calls
    .filter(({ path }) => path.endsWith('/configmaps'))
    .flatMap(({ body }) => objectsIn(fieldOf(body, 'items')))
    .map(
      (item) =>
        `${String(fieldOf(item, 'metadata', 'namespace'))}/${String(fieldOf(item, 'metadata', 'name'))}`,
    );
  return [...new Set([...single, ...listed])];
}

/** The server applies selectors itself, so lists with different ones are parts of one list. */
function answersOf(calls: readonly KnownCall[]): CaseAnswer[] {
  const isPart = ({ query, status }: KnownCall): boolean =>
    status === 200 && [...query.keys()].every((name) => SELECTORS.has(name));
  const parts = Map.groupBy(
    [...calls, ...listsOfSingle(calls)].filter(isPart),
    ({ method, path }) => `${method} ${path}`,
  );
  const joined = [...parts].map(([request, same]) => ({ request, status: 200, body: joinLists(same) }));
  const others = calls
    .filter((call) => !isPart(call))
    .map(({ method, path, query, status, body }) => ({
      request: `${method} ${path}${isSelected(query) ? '' : `?${query.toString()}`}`,
      status,
      body,
    }));
  return [...joined, ...others].map((answer) => ({ from: `cluster:${NAME}`, ...answer }));
}

/** Objects that the file has only by name are in the lists of their namespaces too. */
function listsOfSingle(calls: readonly KnownCall[]): readonly KnownCall[] {
  const listed = new Set(
    calls
      .filter(({ status }) => status === 200)
      .flatMap(({ path, body }) =>
        objectsIn(fieldOf(body, 'items')).map((item) => keyOf(path.slice(path.lastIndexOf('/') + 1), item)),
      ),
  );
  return calls.flatMap((call) => {
    const [, path = '', plural = ''] =
      /^(\/apis?\/.+\/namespaces\/[^/]+\/(secrets|pods|ingresses|certificates))\/[^/]+$/.exec(call.path) ??
      [];
    if (path === '' || call.method !== 'GET' || call.status !== 200 || listed.has(keyOf(plural, call.body)))
      return [];
    const { apiVersion, kind } = Object(call.body) as {
      readonly apiVersion?: string;
      readonly kind?: string;
    };
    const body = { apiVersion, kind: `${kind ?? ''}List`, metadata: {}, items: [call.body] };
    return [{ ...call, path, query: new URLSearchParams(), body }];
  });
}

function keyOf(plural: string, item: unknown): string {
  return [plural, fieldOf(item, 'metadata', 'namespace'), fieldOf(item, 'metadata', 'name')].join(' ');
}

function isSelected(query: URLSearchParams): boolean {
  return [...query.keys()].every((name) => SELECTORS.has(name));
}

function joinLists(calls: readonly KnownCall[]): unknown {
  const [first] = calls;
  if (calls.length < 2) return first?.body;
  return { ...Object(first?.body), items: calls.flatMap(({ body }) => objectsIn(fieldOf(body, 'items'))) };
}
