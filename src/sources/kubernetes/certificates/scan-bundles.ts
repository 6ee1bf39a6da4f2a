import type { InspectOptions, ScanResult } from '../../../ports/certificates.ts';
import { SourceError } from '../../../ports/source-error.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../../wire/json-object.ts';
import { printable } from '../../../wire/x509.ts';
import { errorOfAnswer, objectIn, statusObject } from '../explain-answer.ts';
import { textsIn } from '../json-values.ts';
import type { AccessRule } from '../permissions.ts';
import { asContent, bundleResults, fromBase64, openBundleReader, unseen } from './authorities.ts';
import { type CertificateReading, listObjects, type ObjectKind } from './list-objects.ts';

/** The permission for one ConfigMap. */
export function readConfigMap(name: string): AccessRule {
  return { verb: 'get', group: '', resource: 'configmaps', name };
}

/** A ConfigMap has at most 1 MiB. */
const MAX_CONFIG_MAP_BYTES = 8_000_000;

/**
 * The authorities in a ConfigMap.
 * @throws {SourceError} `missing` if it doesn't exist.
 */
export async function scanConfigMap(
  { source, connection }: CertificateReading,
  trusted: string,
  { signal, onCertificate }: InspectOptions,
): Promise<readonly ScanResult[]> {
  const [namespace = '', name = ''] = trusted.split('/');
  const what = `the ConfigMap ${trusted}`;
  const { answer, context } = await connection.send({
    make: ({ core }) => core.readNamespacedConfigMap(name, namespace),
    rule: readConfigMap(name),
    what,
    maxBytes: MAX_CONFIG_MAP_BYTES,
    signal,
  });
  if (answer.status === 404 && statusObject(answer))
    throw new SourceError(source, 'missing', `${what} does not exist`);
  if (answer.status !== 200) throw errorOfAnswer(context, answer);
  const configMap = objectIn(context, answer);
  if (asObject(configMap['metadata'])['name'] !== name)
    throw new SourceError(source, 'malformed', `${context.host} did not return ${what}`);
  const place = `${source}:${namespace}/configmaps/${name}`;
  const values = [
    ...Object.entries(textsIn(configMap, 'data')),
    ...Object.entries(textsIn(configMap, 'binaryData')).map(([key, value]) => {
      const bytes = fromBase64(value);
      return [key, bytes ? asContent(bytes) : value] as const;
    }),
  ];
  const readBundle = openBundleReader();
  const found = values.map(([key, value]) => ({ key, bundle: readBundle(value) }));
  // Other values, such as a description, contain no certificates.
  const bundles = found.filter(
    ({ bundle }) => bundle.certificates.length > 0 || bundle.unreadable !== undefined,
  );
  return bundles.length === 0
    ? [unseen(source, place, 'it contains no certificate')]
    : bundles.flatMap(({ key, bundle }) =>
        bundleResults(source, `${place}:${key}`, bundle, { onCertificate }),
      );
}

interface BundleKind extends ObjectKind {
  readonly bundlesIn: (object: JsonObject) => readonly ClientConfig[];
}

/** How the API server calls something else. */
interface ClientConfig {
  /** After the name of the object: the name of a webhook. */
  readonly name?: string;
  readonly caBundle: unknown;
  readonly verifies?: string;
}

/** The objects with a CA with which the API server verifies what it calls. */
export const BUNDLE_KINDS: readonly BundleKind[] = [
  ...(['Validating', 'Mutating'] as const).map((kind): BundleKind => ({
    kind: `${kind}WebhookConfiguration`,
    rule: {
      verb: 'list',
      group: 'admissionregistration.k8s.io',
      resource: kind === 'Validating' ? 'validatingwebhookconfigurations' : 'mutatingwebhookconfigurations',
    },
    bundlesIn: (object) =>
      listIn(object, 'webhooks').map((webhook) => ({
        name: textIn(webhook, 'name') ?? '',
        ...clientConfigIn(webhook['clientConfig']),
      })),
  })),
  {
    kind: 'APIService',
    rule: { verb: 'list', group: 'apiregistration.k8s.io', resource: 'apiservices' },
    bundlesIn: (object) => {
      const spec = asObject(object['spec']);
      return textIn(asObject(spec['service']), 'name') === undefined ? [] : [clientConfigIn(spec)];
    },
  },
  {
    kind: 'CustomResourceDefinition',
    rule: { verb: 'list', group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' },
    // Their schemas may have hundreds of kB.
    pageSize: 50,
    bundlesIn: (object) => {
      const conversion = asObject(asObject(object['spec'])['conversion']);
      const { clientConfig } = asObject(conversion['webhook']);
      return conversion['strategy'] === 'Webhook' ? [clientConfigIn(clientConfig)] : [];
    },
  },
];

function clientConfigIn(value: unknown): ClientConfig {
  const { caBundle, url, service } = asObject(value);
  const { name, namespace } = asObject(service);
  if (typeof name === 'string' && typeof namespace === 'string')
    return { caBundle, verifies: printable(`${name}.${namespace}.svc`) };
  return {
    caBundle,
    ...(typeof url === 'string' && URL.canParse(url) && { verifies: printable(new URL(url).hostname) }),
  };
}

/** The authorities in all objects of one kind. */
export async function* scanBundles(
  { source, connection }: CertificateReading,
  kind: BundleKind,
  { onCertificate, ...options }: InspectOptions,
): AsyncGenerator<readonly ScanResult[]> {
  const readBundle = openBundleReader();
  const pages = listObjects(kind, {
    connection,
    options,
    map: (object) => {
      const metadata = asObject(object['metadata']);
      const isInjected = Object.keys(asObject(metadata['annotations'])).some((key) => INJECTED.test(key));
      return kind.bundlesIn(object).flatMap(({ name, caBundle, verifies }): readonly ScanResult[] => {
        const place = [`${source}:${kind.rule.resource}`, textIn(metadata, 'name'), name]
          .filter((part) => part !== undefined)
          .join('/');
        const bytes = fromBase64(caBundle ?? '');
        if (!bytes) return [unseen(source, place, 'its `caBundle` is not base64')];
        // A line break is what generators write into manifests, which require a value.
        if (bytes.toString('latin1').trim() === '')
          return isInjected
            ? [unseen(source, place, 'cert-manager has not injected its `caBundle` yet')]
            : [];
        return bundleResults(source, place, readBundle(asContent(bytes)), {
          onCertificate,
          ...(verifies !== undefined && { verifies }),
        });
      });
    },
  });
  for await (const page of pages) yield page.flat();
}

/** https://cert-manager.io/docs/concepts/ca-injector/ */
const INJECTED = /^cert-manager\.io\/inject-(?:ca-from|ca-from-secret|apiserver-ca)$/;
