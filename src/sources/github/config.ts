import { z } from 'zod';
import {
  allowOption,
  caOption,
  maxFileOption,
  nameOption,
  nonEmptyText,
  proposeOption,
  timeoutOption,
  urlOption,
} from '../options.ts';

const repositoryName = nonEmptyText.regex(/^[\w.-]+\/[\w.-]+$/, { error: 'must be `owner/repository`' });

const repository = z.union([
  repositoryName,
  z.strictObject({
    name: repositoryName.meta({ description: 'The owner and the repository: `shop/api`.' }),
    branch: nonEmptyText.meta({ description: 'The branch to read instead of the default branch.' }),
  }),
]);

const propose = proposeOption({
  token:
    'A second token, with the permissions Contents and Pull requests (read and write), and Workflows to change workflows. It is used for nothing else.',
  requests: 'pull requests',
});

/** The `github` source in `wrench.yaml`: the pipeline files of repositories on GitHub. */
export const githubConfig = z
  .strictObject({
    kind: z.literal('github').meta({ description: 'The pipeline files of repositories on GitHub.' }),
    name: nameOption('github'),
    url: urlOption({ protocols: ['http', 'https'] })
      .default('https://api.github.com')
      .meta({
        description:
          'The address of the REST API. For GitHub Enterprise Server: `https://github.example.com/api/v3`.',
      }),
    ca: caOption('the certificate of the server'),
    token: nonEmptyText.meta({
      description:
        'A token for reading: fine-grained, with the permission Contents (read-only), and Pull requests (read-only) if `allow.propose` is set.',
      secret: true,
    }),
    repositories: z
      .array(repository)
      .min(1)
      .refine((all) => new Set(all.map((one) => nameOf(one).toLowerCase())).size === all.length, {
        error: 'must not list a repository twice',
      })
      .meta({
        description:
          'The repositories to read: `owner/repository`, or `{ name, branch }` for another branch than the default. No others are read.',
        examples: [['shop/api', { name: 'shop/web', branch: 'release' }]],
      }),
    maxFileKiB: maxFileOption(),
    allow: allowOption({ propose }).default({}),
    timeoutMs: timeoutOption(),
  })
  .refine(({ token, allow }) => allow.propose?.token !== token, {
    path: ['allow', 'propose', 'token'],
    error: 'must be another token than `token`, which can only read',
  })
  .meta({ description: 'Pipeline files in repositories on GitHub or GitHub Enterprise Server.' });

export type GithubConfig = z.output<typeof githubConfig>;

function nameOf(one: z.output<typeof repository>): string {
  return typeof one === 'string' ? one : one.name;
}
