import { z } from 'zod';
import { defineRemediation, type ports, type ReadContext, SourceError, wording } from '../kit.ts';
import {
  describeRenewal,
  describeWrites,
  moment,
  MUTUAL_TLS,
  nounFor,
  secretPath,
  sourceOf,
} from './renewal-in-words.ts';
import { fitTitleFromEnd } from './title.ts';

const params = z.strictObject({
  /** The store's name: `vault`. */
  store: z.string(),
  /** As named by the scan: `vault:secret/cf/bbs/locket/tls:certificate`. */
  place: z.string(),
  /** For an authority: the new version is only trusted at first, as the first step of its rotation. */
  asTransitional: z.literal(true).exactOptional(),
});

type RenewParams = z.output<typeof params>;

/** An offer for one place. In a finding with many targets, it names one target or lists several. */
export type RenewOffer =
  | { readonly remediation: 'renew'; readonly params: RenewParams; readonly target?: string }
  | {
      readonly remediation: 'renew';
      readonly each: readonly { readonly target: string; readonly params: RenewParams }[];
    };

/** The measure of a check whose findings take more than a renewal, such as a rotation: how many renewals can be requested from its report. */
export const BUTTON_RENEWALS = 'renewals by button';

/** The end of a path identifies it for people. */
const MAX_TITLE_SEGMENTS = 3;

/**
 * Renews in the way of the store: a Vault with the layout of `safe` signs again, as `safe x509 renew` does (https://github.com/starkandwayne/safe); a
 * CredHub generates a new version; a PKI issues; cert-manager is asked to. It deploys nothing, so nothing is interrupted, and what it proves is only that
 * the store has a new certificate.
 */
export const renew = defineRemediation({
  about: 'Renews a certificate where it is stored or managed; deploys nothing',
  title: ({ place, asTransitional }) =>
    fitTitleFromEnd(
      asTransitional ? 'Add transitional version of' : 'Renew',
      secretPath(place).split('/').slice(-MAX_TITLE_SEGMENTS).join('/').replace(/^\//, ''),
    ),
  risk: 'safe',
  allow: 'renew',
  uses: ['certificates'],
  params,
  effect: ({ store, place, asTransitional }) => {
    if (asTransitional)
      return `Writes a new version of ${secretPath(place)} in ${store} that is only trusted. Deploys nothing.`;
    if (isRequested(place))
      return `Requests a new certificate for ${secretPath(place)} in ${store}, which is written to its Secret. Restarts nothing.`;
    return `Writes a new version of ${secretPath(place)} in ${store}${serialIn([place])}. Deploys nothing.`;
  },
  plan: async (context, asked) => {
    const renewal = await planIn(context, asked);
    const { line: _, ...words } = describeRenewal(renewal);
    return {
      ...words,
      precondition: {
        ...('fingerprint' in renewal && { fingerprint: renewal.fingerprint }),
        ...Object.fromEntries(
          Object.entries(renewal.versions).map(([at, version]) => [`version of ${at}`, String(version)]),
        ),
        ...(renewal.method === 'sign' &&
          renewal.authority.nextSerial !== undefined && { serial: renewal.authority.nextSerial }),
      },
      details: { renewal },
    };
  },
  apply: async ({ write, applyContext, recordStep }, { store }, plan) => {
    const renewal = renewalIn(plan);
    const result = await write.certificates(store).renew(renewal, applyContext);
    await recordStep(describeResult(renewal, result));
  },
  settlesWithinSeconds: 30,
  // The rest of a rotation stays to be done.
  reduces: () => ({ label: BUTTON_RENEWALS }),
  many: {
    title: (all) => `Renew all ${all.length}`,
    effect: (all) => {
      const places = all.map(({ place }) => place);
      const written = places.filter((place) => !isRequested(place));
      const requested = places.filter(isRequested);
      const storesOf = (some: readonly string[]) => wording.list([...new Set(some.map(sourceOf))]);
      const amount = new Set(written.map(secretPath)).size;
      const writes =
        written.length === 0
          ? []
          : [
              `Writes new versions of ${amount === 1 ? `1 ${nounFor(written).slice(0, -1)}` : `${amount} ${nounFor(written)}`} in ${storesOf(written)}${serialIn(written)}.`,
            ];
      const requests =
        requested.length === 0
          ? []
          : [`Requests ${wording.count(requested.length, 'new certificate')} in ${storesOf(requested)}.`];
      return [...writes, ...requests, 'Deploys nothing.'].join(' ');
    },
    impact: (_, plans) => `${describeWrites(plans.flatMap(({ targets }) => targets))}; deploys nothing`,
    line: (_, plan) => describeRenewal(renewalIn(plan)).line,
    precondition: (plan) => {
      const renewal = renewalIn(plan);
      const { place, versions } = renewal;
      const own = versions[place] === undefined ? versions : { [place]: versions[place] };
      return {
        ...('fingerprint' in renewal && { fingerprint: renewal.fingerprint }),
        ...Object.fromEntries(
          Object.entries(own).map(([at, version]) => [`version of ${at}`, String(version)]),
        ),
      };
    },
    afterwards: (all) => [
      `Deploy what uses these ${all.length} certificates, then check with \`/certs expiring\` and on the live sites that the new ones are served.`,
      ...(all.some(({ place }) => !isRequested(place) && nounFor([place]) === 'certificates')
        ? ['For CredHub, use `bosh deploy`: a restart or a recreate keeps the version of the last deploy.']
        : []),
      MUTUAL_TLS,
    ],
  },
});

/** A click can't know yet where the authority is stored. Only secrets with several keys may have one beside them. */
function serialIn(places: readonly string[]): string {
  return nounFor(places) === 'secrets' ? ", and its authority's next serial if that is stored" : '';
}

/** The object of something that renews by itself, rather than what it writes. */
function isRequested(place: string): boolean {
  return /^[^:]*:certificates\//.test(place);
}

function describeResult(
  { method, name, place }: ports.Renewal,
  { notAfter, serial, version, fingerprint }: ports.RenewalResult,
): string {
  if (method === 'request') return `${name}: requested a new certificate`;
  const path = secretPath(place);
  const facts = [
    ...(version === undefined ? [] : [`version ${version}`]),
    ...(serial === undefined ? [] : [`serial ${serial}`]),
    ...(fingerprint === undefined ? [] : [`SHA-256 ${fingerprint}`]),
  ];
  const where = name === path ? `in ${sourceOf(place)}` : `in ${path}`;
  const until = notAfter === undefined ? '' : ` until ${moment(notAfter)}`;
  return `${name} renewed ${where}${until}${facts.length === 0 ? '' : `: ${facts.join(', ')}`}`;
}

/** One offer for each place where it can be renewed. */
export function offersFor(places: readonly string[]): { readonly offers?: readonly RenewOffer[] } {
  if (places.length === 0) return {};
  return {
    offers: places.map((place) => ({
      remediation: 'renew',
      params: { store: place.slice(0, place.indexOf(':')), place },
    })),
  };
}

/** `plan` has just made it: a plan that differs from the approved one is not applied. */
function renewalIn({ details }: { readonly details?: Readonly<Record<string, unknown>> }): ports.Renewal {
  return details?.['renewal'] as ports.Renewal;
}

async function planIn(
  { read, signal }: ReadContext<'certificates'>,
  { store: name, place, asTransitional }: RenewParams,
): Promise<ports.Renewal> {
  const store = read.certificates.find((one) => one.name === name);
  if (!store)
    throw new SourceError(name, 'refused', `source ${name} no longer exists or has no certificates`);
  if (!store.planRenewal)
    throw new SourceError(name, 'refused', `\`allow.renew\` is not configured for the source ${name}`);
  const renewal = await store.planRenewal(place, { signal, ...(asTransitional && { asTransitional }) });
  const problem = whyNot(renewal, asTransitional === true);
  if (problem !== undefined) throw new SourceError(name, 'refused', `${renewal.name} ${problem}`);
  return renewal;
}

/** Why it must not be renewed like this, whatever its store allows. */
function whyNot(renewal: ports.Renewal, asTransitional: boolean): string | undefined {
  if (asTransitional !== (renewal.method === 'regenerate' && renewal.asTransitional))
    return "can't be renewed as a version that is only trusted";
  if (renewal.method === 'regenerate' && renewal.signs.length > 0 && !asTransitional)
    return `signs ${wording.count(renewal.signs.length, 'certificate')}, which would be refused by everyone who trusts only the new version. Rotate it step by step: \`/certs rotation\``;
  if (renewal.method === 'issue' && renewal.ttlSeconds <= 0) return 'would end before it begins';
  return undefined;
}
