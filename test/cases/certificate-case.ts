import { basename } from 'node:path';
import { z } from 'zod';

/** What a server of a case answers to each call, by `METHOD /path?query`. Any other status than 200 is written as `{"status":404,"body":…}`. */
const calls = z.record(z.string().regex(/^[A-Z]+ \//, 'must be METHOD /path'), z.unknown());

const replayedSite = z.object({
  /** `10.0.16.11:8889`, `ledger.fin.svc:443`. */
  address: z.string().min(1),
  /** The machine, and perhaps the process on it: `diego-cell/1b rep`. */
  who: z.string().min(1).exactOptional(),
  servername: z.string().min(1).exactOptional(),
  clientCertificate: z.enum(['required', 'none']).exactOptional(),
  /** The chain as sent, leaf first. Empty: nothing listens there. */
  sent: z.array(z.string()).default([]),
});

const hostFile = z.object({
  /** The machine: `api/7f1c`. */
  instance: z.string().min(1),
  path: z.string().startsWith('/'),
  content: z.string(),
  modified: z.iso.datetime({ offset: true }).exactOptional(),
});

const logLine = z.object({
  /** The machine that wrote it. */
  who: z.string().min(1),
  line: z.string(),
});

/** The form of the cases of certificates: what each kind of server answers, what sites serve, and what is on machines. */
export const certificateCaseSchema = z
  .object({
    now: z.iso.datetime(),
    /** As typed in Slack: `/certs drift and /certs expiring`. */
    question: z.string().startsWith('/'),
    credhub: calls.exactOptional(),
    bosh: calls.exactOptional(),
    opsmanager: calls.exactOptional(),
    vault: calls.exactOptional(),
    kubernetes: calls.exactOptional(),
    tls: z.array(replayedSite).default([]),
    files: z.array(hostFile).default([]),
    /** What commands of kubeadm printed, by `HOST: COMMAND`. */
    kubeadm: z.record(z.string(), z.unknown()).default({}),
    logs: z.array(logLine).default([]),
  })
  .transform(({ now, question, ...servers }) => ({
    now,
    check: checksIn(question).join(' + '),
    answers: [],
    certificates: servers,
  }));

/** What the servers and machines of a case answer. */
export type CertificateCase = z.output<typeof certificateCaseSchema>['certificates'];
export type Calls = z.output<typeof calls>;
export type ReplayedCaseSite = CertificateCase['tls'][number];

/** `/certs drift, /certs rotation and /certs expiring`. */
function checksIn(question: string): readonly string[] {
  return question.split(/[\s,;&+]+(?:(?:and|then|und)\s+)?(?=\/)/).map((one) => one.trim());
}

/** `c01-pinned-version` of a file of that name. */
export function caseNameOf(path: string): string {
  return basename(path, '.json');
}
