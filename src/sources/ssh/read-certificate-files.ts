import type { HostQuery } from '../../ports/hosts.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { AsRoot, HostCommand } from '../../wire/host-command.ts';
import { HOST_COMMANDS } from '../../wire/host-commands.ts';
import type { RunOnHost } from '../../wire/ssh-hosts.ts';
import { printable } from '../../wire/x509.ts';
import {
  askHost,
  attemptAnswer,
  firstAnswer,
  type HostQuestion,
  isNoSuchFile,
  isPermissionDenied,
  linesOf,
  runForAnswer,
  unknownFormat,
} from './ask-host.ts';
import {
  fileCertificatesIn,
  type FileCertificates,
  parseFilteredFiles,
  readFilteredSettings,
  type ReadFiltered,
  readFilteredKubeconfig,
  readFilteredPem,
} from './certificate-files.ts';
import type { SshConfig } from './config.ts';
import type { RootQuestion } from './root-questions.ts';

export type CertificateKind = NonNullable<SshConfig['certificates']>[number];

/** One command that reads files, and where they are, for people. */
interface FileQuestion {
  readonly make: (as: AsRoot) => HostCommand;
  readonly read: ReadFiltered;
  readonly below: string;
}

const QUESTIONS: Readonly<Record<CertificateKind, readonly FileQuestion[]>> = {
  kubernetes: [
    {
      make: HOST_COMMANDS.kubernetesCertificates,
      read: readFilteredPem({ mayBeEmpty: false }),
      below: '/etc/kubernetes/pki',
    },
    { make: HOST_COMMANDS.kubeconfigs, read: readFilteredKubeconfig, below: '/etc/kubernetes' },
  ],
  bosh: [
    {
      make: HOST_COMMANDS.boshCertificates,
      read: readFilteredPem({ mayBeEmpty: true }),
      below: '/var/vcap/jobs',
    },
    { make: HOST_COMMANDS.agentSettings, read: readFilteredSettings, below: '/var/vcap/bosh' },
  ],
};

/** The files of one host, and what couldn't be read, at a path. */
export interface CertificateFiles {
  readonly files: readonly FileCertificates[];
  readonly errors: readonly { readonly path: string; readonly error: SourceError }[];
}

/** @throws {SourceError} if the host itself can't be asked */
export async function readCertificateFiles(
  run: RunOnHost,
  { name, sudo }: { readonly name: string; readonly sudo: readonly RootQuestion[] },
  query: HostQuery,
  kinds: readonly CertificateKind[],
): Promise<CertificateFiles> {
  const asked = askHost(run, name, query);
  const answers: CertificateFiles[] = [];
  for (const question of kinds.flatMap((kind) => QUESTIONS[kind])) {
    const answer = await attemptAnswer(() => readQuestion(asked, question, sudo));
    answers.push(
      answer instanceof SourceError
        ? { files: [], errors: [{ path: question.below, error: answer }] }
        : answer,
    );
  }
  return {
    files: withoutReplaced(answers.flatMap(({ files }) => files)),
    errors: answers.flatMap(({ errors }) => errors),
  };
}

async function readQuestion(
  asked: HostQuestion,
  { make, read, below }: FileQuestion,
  sudo: readonly RootQuestion[],
): Promise<CertificateFiles> {
  const ask = async (as: AsRoot): Promise<CertificateFiles> => {
    const { text, stderr, isCut } = await runForAnswer(asked, () => make(as), [0, 1]);
    const filtered = parseFilteredFiles(text) ?? unknownFormat(asked);
    const cut = isCut
      ? [{ path: below, error: asked.fail('malformed', 'the files are too many to read all of them') }]
      : [];
    // The last one may have been cut off.
    const complete = isCut ? filtered.slice(0, -1) : filtered;
    const files = complete.map((file) => fileCertificatesIn(file, { read, asRoot: as.sudo }));
    return withoutManyRefused(asked, below, {
      files,
      errors: [...unlistedFolders(asked, stderr, below), ...cut],
    });
  };
  if (!sudo.includes('certificates')) return ask({ sudo: false });
  // Some files can be read by everyone.
  return firstAnswer([() => ask({ sudo: true }), () => ask({ sudo: false })]);
}

/** A user without permissions can often read none of a hundred files: that is one gap. */
const MAX_REFUSED = 3;

function withoutManyRefused(
  asked: HostQuestion,
  below: string,
  { files, errors }: CertificateFiles,
): CertificateFiles {
  const isRefused = ({ problems }: FileCertificates): boolean =>
    problems.some(({ kind }) => kind === 'refused');
  const refused = files.filter(isRefused);
  if (refused.length <= MAX_REFUSED) return { files, errors };
  const because = `the user can't read ${refused.length} of ${files.length} files: add \`certificates\` to \`sudo\``;
  return {
    files: files.filter((file) => !isRefused(file)),
    errors: [...errors, { path: below, error: asked.fail('refused', because) }],
  };
}

/** Folders that `find` couldn't list: `find: '/var/lib/kubelet/pki': Permission denied`. Those that are missing are none of this host. */
function unlistedFolders(asked: HostQuestion, stderr: string, below: string): CertificateFiles['errors'] {
  return linesOf(stderr).flatMap((line) => {
    const said = /^find: (?<rest>.*)$/.exec(line)?.groups?.['rest'];
    if (said === undefined || isNoSuchFile(said) || /file system loop/i.test(said)) return [];
    const path = /^[‘'"]?(?<path>\/[^:’'"]*)/.exec(said)?.groups?.['path'] ?? below;
    return [
      {
        path,
        error: isPermissionDenied(said)
          ? asked.fail('refused', "the user can't list this folder: add `certificates` to `sudo`")
          : asked.fail('malformed', printable(said).slice(0, 200)),
      },
    ];
  });
}

const AGENT_SETTINGS = '/var/vcap/bosh/settings.json';
const UPDATED_SETTINGS = '/var/vcap/bosh/update_settings.json';

/** Once the director has updated the agent's certificate, it no longer uses the one that it started with, which may have ended. */
function withoutReplaced(files: readonly FileCertificates[]): readonly FileCertificates[] {
  const isReplaced = files.some(({ path, chains }) => path === UPDATED_SETTINGS && chains.length > 0);
  return isReplaced ? files.filter(({ path }) => path !== AGENT_SETTINGS) : files;
}
