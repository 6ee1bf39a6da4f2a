import { z } from 'zod';
import { allowOption, caOption, nameOption, nonEmptyText, timeoutOption, urlOption } from '../options.ts';

const url = urlOption({ protocols: ['http', 'https'] });

const applicationCredentialAuth = z.strictObject({
  applicationCredential: z
    .strictObject({
      id: nonEmptyText.meta({ description: 'The id of the application credential.' }),
      secret: nonEmptyText.meta({ description: 'Its secret.', secret: true }),
    })
    .meta({ description: 'Log in with an application credential, which can be limited to single requests.' }),
});

const userAuth = z.strictObject({
  user: z
    .strictObject({
      username: nonEmptyText.meta({ description: 'The user name.' }),
      password: nonEmptyText.meta({ description: 'The password.', secret: true }),
      userDomain: nonEmptyText
        .default('Default')
        .meta({ description: 'The name of the domain of the user.' }),
      project: nonEmptyText.meta({ description: 'The name of the project to log in to.' }),
      projectDomain: nonEmptyText
        .default('Default')
        .meta({ description: 'The name of the domain of the project.' }),
    })
    .meta({ description: 'Log in as a user, with a password.' }),
});

const auth = z.union([applicationCredentialAuth, userAuth]);

const endpoint = (service: string) =>
  url.exactOptional().meta({ description: `The address of ${service}, without a version.` });

/** The `openstack` source in `wrench.yaml`: one region of an OpenStack cloud. */
export const openStackConfig = z
  .strictObject({
    kind: z
      .literal('openstack')
      .meta({ description: 'An OpenStack cloud: its networks, instances, images and services.' }),
    name: nameOption('openstack'),
    authUrl: url
      .transform((address) => address.replace(/\/v3$/, ''))
      .refine((address) => !address.endsWith('/v2.0'), { error: 'must be of version 3 of Keystone' })
      .meta({ description: 'The address of Keystone: `https://keystone.example.com:5000/v3`.' }),
    auth: auth.meta({
      description: 'How to log in: `applicationCredential` (preferred) or `user`.',
    }),
    region: nonEmptyText
      .optional()
      .meta({ description: 'The region. Required if the catalogue has several.' }),
    interface: z
      .enum(['public', 'internal', 'admin'])
      .default('public')
      .meta({ description: 'Which addresses of the catalogue to connect to.' }),
    endpoints: z
      .strictObject({ compute: endpoint('Nova'), network: endpoint('Neutron'), image: endpoint('Glance') })
      .default({})
      .meta({ description: 'Addresses to use instead of those in the catalogue.' }),
    seesAllProjects: z.boolean().default(false).meta({
      description:
        'Set to `true` if the policies of the cloud let this credential read all projects without the role `admin`.',
    }),
    allow: allowOption({
      disable: z
        .strictObject({
          auth: auth.exactOptional().meta({
            description: 'How to log in for changes, and only for them. Default: as for reading.',
          }),
        })
        .exactOptional()
        .meta({
          description:
            'Allows disabling compute services, and enabling those that Wrench disabled. `{}` uses the credential for reading.',
        }),
    }).default({}),
    ca: caOption('the certificates of the cloud, if it is not a public CA'),
    timeoutMs: timeoutOption({ defaultMs: 30_000 }),
  })
  .meta({ description: 'Networks, instances, images and services of an OpenStack cloud.' });

export type OpenStackConfig = z.output<typeof openStackConfig>;
