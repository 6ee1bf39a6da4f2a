import { z } from 'zod';
import { maxFileOption, nameOption, nonEmptyText } from '../options.ts';

/** The `checkout` source in `wrench.yaml`: the pipeline files in folders of the worker. */
export const checkoutConfig = z
  .strictObject({
    kind: z.literal('checkout').meta({ description: 'Pipeline files in folders that the worker can read.' }),
    name: nameOption('checkout'),
    folders: z
      .array(nonEmptyText)
      .min(1)
      .refine((all) => new Set(all).size === all.length, { error: 'must not list a folder twice' })
      .meta({
        description:
          'Folders, usually checkouts of git repositories. A file that is listed itself is read whatever its name. Symbolic links are not followed out of a folder. ' +
          'Relative paths start in the working directory of the worker.',
        examples: [['/srv/checkouts/shop']],
      }),
    exclude: z
      .array(nonEmptyText)
      .default([])
      .meta({
        description:
          "Files and folders to skip, relative to each folder: `vendor`, `**/testdata`, `*.mk`. `*` stays within a folder, `**` doesn't. `node_modules` and `.git` are " +
          'always skipped.',
      }),
    maxFileKiB: maxFileOption(),
  })
  .meta({ description: 'Pipeline files in folders and git checkouts.' });

export type CheckoutConfig = z.output<typeof checkoutConfig>;
