import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, listIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import type { CloudServices } from './cloud-services.ts';
import type { OpenStackConfig } from './config.ts';
import { ANY_ERROR, type KeystoneToken } from './login.ts';
import type { CloudSession } from './session.ts';

interface HealthCheckInput {
  readonly config: OpenStackConfig;
  readonly session: CloudSession;
  /** Of a separate credential for changes. */
  readonly changing: CloudSession | undefined;
  readonly services: CloudServices;
  readonly signal: AbortSignal;
}

/** Checks the login, and whether each service responds; `wrench doctor` lists missing permissions separately. Throws only on a bug in Wrench. */
export async function checkCloudHealth(input: HealthCheckInput): Promise<SourceHealth> {
  const { config, session, changing, services, signal } = input;
  try {
    const token = await session.token(signal);
    const [keystone, compute, network, image] = await Promise.all([
      keystoneVersion(input),
      services.nova.version(signal),
      services.neutron.version(signal),
      imageVersion(input),
      changing && logInForChanges(changing, signal),
    ]);
    const region = regionOf(config, token);
    const scope = [
      ...(region === undefined ? [] : [`region ${region}`]),
      ...(token.project === undefined ? [] : [`project ${token.project}`]),
    ];
    return {
      ok: true,
      summary: [
        `Keystone ${keystone}, Nova ${compute}, Neutron ${network}${image === undefined ? '' : `, Glance ${image}`}`,
        ...scope,
      ].join('; '),
    };
  } catch (error) {
    if (signal.aborted) return { ok: false, summary: 'timed out', hint: hintFor(config) };
    if (!(error instanceof SourceError)) throw error;
    return { ok: false, summary: error.message, hint: hintFor(config, error) };
  }
}

/** Undefined if the cloud has no Glance. */
async function imageVersion({ session, services, signal }: HealthCheckInput): Promise<string | undefined> {
  try {
    await session.endpoint('image', signal);
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'missing') return undefined;
    throw error;
  }
  return services.glance.version(signal);
}

async function logInForChanges(changing: CloudSession, signal: AbortSignal): Promise<void> {
  try {
    await changing.token(signal);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    const { source, kind, message } = error;
    throw new SourceError(source, kind, `\`allow.disable\`: ${message}`, { cause: error });
  }
}

async function keystoneVersion({ config, session, signal }: HealthCheckInput): Promise<string> {
  const { authUrl, timeoutMs } = config;
  const client = await session.http();
  const answer = await client.requestText({ url: `${authUrl}/v3`, accept: ANY_ERROR, timeoutMs, signal });
  return printable(textIn(asObject(asObject(parseJson(answer.text))['version']), 'id') ?? 'v3');
}

/** The configured region, or the only one. */
function regionOf({ region }: OpenStackConfig, { catalogue }: KeystoneToken): string | undefined {
  if (region !== undefined) return region;
  const services = catalogue.filter(
    ({ type }) => type === 'compute' || type === 'network' || type === 'image',
  );
  const endpoints = services.flatMap((one) => listIn(one, 'endpoints'));
  const regions = new Set(
    endpoints.flatMap((one) => textIn(one, 'region_id') ?? textIn(one, 'region') ?? []),
  );
  const [only] = regions;
  return regions.size === 1 && only !== undefined ? printable(only) : undefined;
}

function hintFor({ authUrl }: OpenStackConfig, error?: SourceError): string {
  const message = error?.message ?? '';
  if (message.includes('the file')) return 'Correct the file name or its permissions';
  if (message.includes('not trusted')) return 'Set `ca` to a PEM file with that CA';
  if (message.includes('the catalogue of Keystone') || message.includes('is from `endpoints'))
    return 'Correct `region`, `interface` or `endpoints`: docs/sources.md#openstack';
  if (message.includes('set `')) return 'Correct the source in wrench.yaml: docs/sources.md#openstack';
  if (message.includes('rejected the login'))
    return 'Correct `auth`, or create the application credential again: docs/sources.md#openstack';
  if (error?.kind === 'refused') return 'docs/sources.md#openstack lists the permissions that Wrench needs';
  return `Check that ${authUrl} is Keystone, and reachable from here`;
}
