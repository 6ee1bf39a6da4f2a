import { z } from 'zod';
import { defineRemediation, type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { fitTitleFromEnd } from '../../shared/title.ts';

const params = z.strictObject({
  /** The store's name: `vault`. */
  store: z.string(),
  /** As named by the scan: `vault:secret/cf/bbs/locket/tls:certificate`. */
  place: z.string(),
});

type RenewParams = z.output<typeof params>;

/** An offer for one place. In a finding with many targets, it names one target or lists several. */
export type RenewOffer =
  | { readonly remediation: 'renew'; readonly params: RenewParams; readonly target?: string }
  | {
      readonly remediation: 'renew';
      readonly each: readonly { readonly target: string; readonly params: RenewParams }[];
    };

/** The end of a path identifies it for people. */
const MAX_TITLE_SEGMENTS = 3;
/** How many kept keys a plan names. */
const MAX_KEPT_NAMES = 12;
const DAY_MS = 86_400_000;
/** In one outage the redeploy hung at the first cell, because its new peers rejected its old certificate. */
const MUTUAL_TLS =
  'If both sides verify each other (mutual TLS), a deployment may hang until both have new certificates.';
const NEVER = '9999-12-31T23:59:59.000Z';

/**
 * Does what `safe x509 renew` does (https://github.com/starkandwayne/safe), with more checks. It deploys nothing, so nothing is
 * interrupted.
 */
export const renew = defineRemediation({
  about: 'Reissues a certificate where it is stored: same key and names, new validity; deploys nothing',
  title: ({ place }) =>
    fitTitleFromEnd('Renew', pathOf(place).split('/').slice(-MAX_TITLE_SEGMENTS).join('/')),
  risk: 'safe',
  allow: 'renew',
  uses: ['certificates'],
  params,
  effect: ({ store, place }) =>
    `Writes a new version of ${pathOf(place)} in ${store}${NEXT_SERIAL}. Deploys nothing.`,
  plan: async (context, asked) => {
    const renewal = await planIn(context, asked);
    const { place, authority, versions, fingerprint } = renewal;
    const counted = authority.nextSerial !== undefined && authority.place !== place;
    return {
      lines: [
        ...(counted ? [describeSerial(renewal)] : []),
        describeIssue(renewal, withSerial(renewal)),
        describeKept(renewal),
      ],
      targets: counted ? [authority.place, place] : [place],
      impact: `${describeWrites(counted ? [authority.place, place] : [place])}; deploys nothing`,
      precondition: {
        fingerprint,
        ...Object.fromEntries(
          Object.entries(versions).map(([at, version]) => [`version of ${at}`, String(version)]),
        ),
        ...(authority.nextSerial !== undefined && { serial: authority.nextSerial }),
      },
      afterwards: afterwards(renewal),
      details: { renewal },
    };
  },
  apply: async ({ write, applyContext, recordStep }, { store, place }, plan) => {
    const renewal = renewalIn(plan);
    const { serial, notAfter, fingerprint } = await write.certificates(store).renew(renewal, applyContext);
    const until = moment(notAfter);
    await recordStep(
      `${renewal.name} renewed in ${pathOf(place)} until ${until}: serial ${serial}, SHA-256 ${fingerprint}`,
    );
  },
  settlesWithinSeconds: 30,
  many: {
    title: (all) => `Renew all ${all.length}`,
    effect: (all) =>
      `Writes new versions of ${wording.count(new Set(all.map(({ place }) => pathOf(place))).size, 'secret')} in ${wording.list([...new Set(all.map(({ store }) => store))])}${NEXT_SERIAL}. Deploys nothing.`,
    impact: (_, plans) => `${describeWrites(plans.flatMap(({ targets }) => targets))}; deploys nothing`,
    // Without serials: each line changes the next serial of its authority, which several lines may share.
    line: (_, plan) => `${describeIssue(renewalIn(plan))}; everything else in the secret is kept`,
    precondition: (plan) => {
      const { place, fingerprint, versions } = renewalIn(plan);
      return { fingerprint, [`version of ${place}`]: String(versions[place]) };
    },
    afterwards: (all) => [
      `Deploy what uses these ${all.length} certificates, then check with \`/certs expiring\` and on the live sites that the new ones are served.`,
      MUTUAL_TLS,
    ],
  },
});

/** A click can't know yet where the authority is stored. */
const NEXT_SERIAL = ", and its authority's next serial if that is stored";

/** `Writes new versions of 14 secrets in vault`, by the places that change. */
function describeWrites(places: readonly string[]): string {
  const secrets = [...new Set(places.map((place) => place.replace(/:certificate$/, '')))];
  const stores = [...new Set(places.map((place) => place.slice(0, place.indexOf(':'))))];
  const [only = ''] = secrets;
  const what =
    secrets.length === 1 ? `a new version of ${pathOf(only)}` : `new versions of ${secrets.length} secrets`;
  return `Writes ${what} in ${wording.list(stores)}`;
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

function planIn(
  { read, signal }: ReadContext<'certificates'>,
  { store: name, place }: RenewParams,
): Promise<ports.Renewal> {
  const store = read.certificates.find((one) => one.name === name);
  if (!store)
    throw new SourceError(name, 'refused', `source ${name} no longer exists or has no certificates`);
  if (!store.planRenewal)
    throw new SourceError(name, 'refused', `\`allow.renew\` is not configured for the source ${name}`);
  return store.planRenewal(place, { signal });
}

/** Must not change with time: the plan is made again before it is applied, and compared. */
function describeIssue(
  { place, name, notAfter, lifetimeMs, authority, signature }: ports.Renewal,
  serial = '',
): string {
  const ends = moment(notAfter);
  const by = authority.place === place ? 'itself' : `${authority.name} (${pathOf(authority.place)})`;
  return [
    `Issue a new certificate for ${name} in ${pathOf(place)}: same key, names and extensions`,
    `valid for ${lifetime(lifetimeMs)}${describeLimit(authority.notAfter)} (the current one expires ${ends})`,
    `signed by ${by}${serial}`,
    ...(signature ? [`${signature.to} instead of ${signature.from}`] : []),
  ].join(', ');
}

function withSerial({ authority: { nextSerial } }: ports.Renewal): string {
  return nextSerial === undefined ? ' with a random serial' : ` with serial ${nextSerial}`;
}

/** From ISO 8601: `2019-07-12 22:25 UTC`. */
function moment(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

function lifetime(ms: number): string {
  return ms >= DAY_MS ? wording.count(Math.floor(ms / DAY_MS), 'day') : wording.span(ms);
}

function describeLimit(authorityEnds: string): string {
  return authorityEnds === NEVER ? '' : `, but not longer than its authority, ${moment(authorityEnds)}`;
}

function describeSerial({ authority: { place, nextSerial } }: ports.Renewal): string {
  const following = (BigInt(`0x${nextSerial}`) + 1n).toString(16);
  return `Set the next serial in ${pathOf(place)} to ${following}, so that ${nextSerial} is used only once`;
}

function describeKept({ kept: others, intermediates }: ports.Renewal): string {
  const behind =
    intermediates === 0 ? [] : [`${wording.count(intermediates, 'certificate')} behind it in the chain`];
  return `Keep everything else in the secret: ${wording.list(['the key', ...behind, ...others], MAX_KEPT_NAMES)}`;
}

function afterwards({ place }: ports.Renewal): readonly string[] {
  const path = pathOf(place);
  return [
    `Deploy what uses ${path}, then check with \`/certs show ${path}\` and on the live site that the new certificate is served.`,
    MUTUAL_TLS,
  ];
}

/** Without the source and the key: `secret/cf/bbs/locket/tls`. */
function pathOf(place: string): string {
  return place.slice(place.indexOf(':') + 1).replace(/:certificate$/, '');
}
