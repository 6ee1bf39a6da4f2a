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

const projectPath = nonEmptyText.regex(/^[\w.-]+(?:\/[\w.-]+)+$/, { error: 'must be `group/project`' });

const project = z.union([
  projectPath,
  z.strictObject({
    path: projectPath.meta({ description: 'The groups and the project: `shop/backend/api`.' }),
    branch: nonEmptyText.meta({ description: 'The branch to read instead of the default branch.' }),
  }),
]);

const propose = proposeOption({
  token: 'A second token, with the scope `api` and the role Developer. It is used for nothing else.',
  requests: 'merge requests',
});

/** The `gitlab` source in `wrench.yaml`: the pipeline files of projects on GitLab. */
export const gitlabConfig = z
  .strictObject({
    kind: z.literal('gitlab').meta({ description: 'The pipeline files of projects on GitLab.' }),
    name: nameOption('gitlab'),
    url: urlOption({ protocols: ['http', 'https'] })
      .default('https://gitlab.com')
      .meta({ description: 'The address of GitLab: `https://gitlab.example.com`.' }),
    ca: caOption('the certificate of the server'),
    token: nonEmptyText.meta({
      description: 'A token for reading, with the scope `read_api` and the role Reporter.',
      secret: true,
    }),
    projects: z
      .array(project)
      .min(1)
      .refine((all) => new Set(all.map((one) => pathOf(one).toLowerCase())).size === all.length, {
        error: 'must not list a project twice',
      })
      .meta({
        description:
          'The projects to read: `group/project`, or `{ path, branch }` for another branch than the default. No others are read.',
        examples: [['shop/api', { path: 'shop/backend/web', branch: 'release' }]],
      }),
    maxFileKiB: maxFileOption(),
    allow: allowOption({ propose }).default({}),
    timeoutMs: timeoutOption(),
  })
  .refine(({ token, allow }) => allow.propose?.token !== token, {
    path: ['allow', 'propose', 'token'],
    error: 'must be another token than `token`, which can only read',
  })
  .meta({ description: 'Pipeline files in projects on GitLab.' });

export type GitlabConfig = z.output<typeof gitlabConfig>;

function pathOf(one: z.output<typeof project>): string {
  return typeof one === 'string' ? one : one.path;
}
