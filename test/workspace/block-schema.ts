import { z } from 'zod';

/**
 * The shapes and limits of Block Kit as Slack documents them (https://docs.slack.dev/reference/block-kit);
 * the lower limit if its pages disagree. Unknown properties are rejected, as by Slack.
 */

const plainText = (max: number) =>
  z.strictObject({
    type: z.literal('plain_text'),
    text: z.string().min(1).max(max),
    emoji: z.boolean().optional(),
  });
const mrkdwn = (max: number) =>
  z.strictObject({
    type: z.literal('mrkdwn'),
    text: z.string().min(1).max(max),
    verbatim: z.boolean().optional(),
  });
const anyText = (max: number) => z.discriminatedUnion('type', [plainText(max), mrkdwn(max)]);

const id = z.string().min(1).max(255);
const url = z
  .string()
  .max(3000)
  .refine((value) => URL.canParse(value), 'must be a valid url');
const colour = z.enum(['primary', 'danger']);
const slackFile = z.strictObject({ id: z.string().optional(), url: z.string().optional() });

const confirm = z.strictObject({
  title: plainText(100),
  text: anyText(300),
  confirm: plainText(30),
  deny: plainText(30),
  style: colour.optional(),
});
const option = z.strictObject({
  text: anyText(75),
  value: z.string().min(1).max(150),
  description: anyText(75).optional(),
  url: url.optional(),
});
const options = (max: number) => z.array(option).min(1).max(max);

const button = z.strictObject({
  type: z.literal('button'),
  text: plainText(75),
  action_id: id.optional(),
  value: z.string().max(2000).optional(),
  url: url.optional(),
  style: colour.optional(),
  confirm: confirm.optional(),
  accessibility_label: z.string().max(75).optional(),
});
const image = z
  .strictObject({
    type: z.literal('image'),
    alt_text: z.string().min(1).max(2000),
    image_url: url.optional(),
    slack_file: slackFile.optional(),
  })
  .refine(hasPicture, 'must provide image_url or slack_file');
const actionable = {
  action_id: id.optional(),
  confirm: confirm.optional(),
  focus_on_load: z.boolean().optional(),
};
const placeholder = plainText(150).optional();
const selectOptions = {
  options: options(100).optional(),
  option_groups: z
    .array(z.strictObject({ label: plainText(75), options: options(100) }))
    .min(1)
    .max(100)
    .optional(),
  placeholder,
};
const staticSelect = z
  .strictObject({
    type: z.literal('static_select'),
    ...actionable,
    ...selectOptions,
    initial_option: option.optional(),
  })
  .refine(hasOptions, 'must provide options or option_groups');
const multiStaticSelect = z
  .strictObject({
    type: z.literal('multi_static_select'),
    ...actionable,
    ...selectOptions,
    initial_options: options(100).optional(),
    max_selected_items: z.int().min(1).optional(),
  })
  .refine(hasOptions, 'must provide options or option_groups');
const overflow = z.strictObject({ type: z.literal('overflow'), ...actionable, options: options(5) });
const choices = { ...actionable, options: options(10) };
const checkboxes = z.strictObject({
  type: z.literal('checkboxes'),
  ...choices,
  initial_options: options(10).optional(),
});
const radioButtons = z.strictObject({
  type: z.literal('radio_buttons'),
  ...choices,
  initial_option: option.optional(),
});
/** Elements Wrench does not send: only their names and common limits are checked. */
const other = <T extends string>(type: T) =>
  z.looseObject({ type: z.literal(type), ...actionable, placeholder });
const pickers = [
  other('users_select'),
  other('conversations_select'),
  other('channels_select'),
  other('external_select'),
  other('multi_users_select'),
  other('multi_conversations_select'),
  other('multi_channels_select'),
  other('multi_external_select'),
  other('datepicker'),
  other('timepicker'),
  other('datetimepicker'),
] as const;
const inputs = [
  other('plain_text_input'),
  other('number_input'),
  other('email_text_input'),
  other('url_text_input'),
  other('rich_text_input'),
  other('file_input'),
] as const;
const interactive = [
  button,
  staticSelect,
  multiStaticSelect,
  overflow,
  checkboxes,
  radioButtons,
  ...pickers,
] as const;
const accessory = z.discriminatedUnion('type', [...interactive, image, other('workflow_button')]);
const action = z.discriminatedUnion('type', [...interactive, other('workflow_button')]);

const style = z
  .strictObject({
    bold: z.boolean(),
    italic: z.boolean(),
    strike: z.boolean(),
    code: z.boolean(),
    underline: z.boolean(),
    highlight: z.boolean(),
    client_highlight: z.boolean(),
    unlink: z.boolean(),
  })
  .partial()
  .optional();
const richInline = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string().min(1), style }),
  z.strictObject({
    type: z.literal('emoji'),
    name: z.string().min(1),
    unicode: z.string().optional(),
    url: z.string().optional(),
    skin_tone: z.int().optional(),
    style,
  }),
  z.strictObject({
    type: z.literal('link'),
    url,
    text: z.string().optional(),
    unsafe: z.boolean().optional(),
    style,
  }),
  z.strictObject({ type: z.literal('user'), user_id: z.string().regex(/^[UW][A-Z0-9]+$/), style }),
  z.strictObject({ type: z.literal('team'), team_id: z.string().min(1), style }),
  z.strictObject({ type: z.literal('channel'), channel_id: z.string().min(1), style }),
  z.strictObject({ type: z.literal('usergroup'), usergroup_id: z.string().min(1), style }),
  z.strictObject({ type: z.literal('broadcast'), range: z.enum(['here', 'channel', 'everyone']), style }),
  z.strictObject({ type: z.literal('color'), value: z.string(), style }),
  z.strictObject({
    type: z.literal('date'),
    timestamp: z.int().nonnegative(),
    format: z.string().min(1),
    url: url.optional(),
    fallback: z.string().optional(),
    style,
  }),
]);
const border = z.union([z.literal(0), z.literal(1)]).optional();
/**
 * Slack rejects a part without elements, which its documentation does not mention.
 * https://github.com/NousResearch/hermes-agent/pull/59621
 */
const richSection = z.strictObject({
  type: z.literal('rich_text_section'),
  elements: z.array(richInline).min(1),
});
const richPart = z.discriminatedUnion('type', [
  richSection,
  z.strictObject({ type: z.literal('rich_text_quote'), elements: z.array(richInline).min(1), border }),
  z.strictObject({
    type: z.literal('rich_text_preformatted'),
    elements: z.array(richInline).min(1),
    border,
    language: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('rich_text_list'),
    style: z.enum(['bullet', 'ordered']),
    elements: z.array(richSection).min(1),
    indent: z.int().min(0).max(8).optional(),
    offset: z.int().min(0).optional(),
    border,
  }),
]);

const block = { block_id: id.optional() };
const richText = z.strictObject({
  type: z.literal('rich_text'),
  ...block,
  elements: z.array(richPart).min(1),
});
const cell = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('raw_text'), text: z.string().min(1) }),
  z.strictObject({ type: z.literal('raw_number'), value: z.number(), text: z.string().optional() }),
  richText,
]);
const rows = (max: number) =>
  z
    .array(z.array(cell).min(1).max(20))
    .min(1)
    .max(max)
    .refine((all) => new Set(all.map(({ length }) => length)).size <= 1, 'must have rows of one length');

/**
 * Slack's pages disagree whether charts may have 6 or 12 series and segments:
 * https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block
 */
const MAX_SERIES = 6;
const MAX_POINTS = 20;
const chartName = z.string().min(1).max(20);
const seriesChart = <T extends string>(type: T) =>
  z
    .strictObject({
      type: z.literal(type),
      series: z
        .array(
          z.strictObject({
            name: chartName,
            data: z
              .array(z.strictObject({ label: chartName, value: z.number() }))
              .min(1)
              .max(MAX_POINTS),
          }),
        )
        .min(1)
        .max(MAX_SERIES)
        .refine(
          (series) => areUnique(series.map(({ name }) => name)),
          'must have series names that are unique',
        ),
      axis_config: z.strictObject({
        categories: z
          .array(chartName)
          .min(1)
          .max(MAX_POINTS)
          .refine(areUnique, 'must have categories that are unique'),
        x_label: z.string().min(1).max(50).optional(),
        y_label: z.string().min(1).max(50).optional(),
      }),
    })
    .refine(
      ({ series, axis_config: { categories } }) =>
        series.every(({ data }) => {
          const labels = new Set(data.map(({ label }) => label));
          return data.length === categories.length && categories.every((category) => labels.has(category));
        }),
      'must have exactly one data point for each category in every series',
    );
/** In messages only. */
const dataVisualization = z.strictObject({
  type: z.literal('data_visualization'),
  ...block,
  title: z.string().min(1).max(50),
  chart: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('pie'),
      segments: z
        .array(z.strictObject({ label: chartName, value: z.number().positive() }))
        .min(1)
        .max(MAX_SERIES),
    }),
    seriesChart('bar'),
    seriesChart('area'),
    seriesChart('line'),
  ]),
});

const sharedBlocks = [
  z.strictObject({ type: z.literal('actions'), ...block, elements: z.array(action).min(1).max(25) }),
  z.strictObject({
    type: z.literal('context'),
    ...block,
    elements: z
      .array(z.discriminatedUnion('type', [plainText(3000), mrkdwn(3000), image]))
      .min(1)
      .max(10),
  }),
  z.looseObject({
    type: z.literal('context_actions'),
    ...block,
    elements: z.array(z.unknown()).min(1).max(5),
  }),
  z.strictObject({ type: z.literal('divider'), ...block }),
  z.strictObject({
    type: z.literal('header'),
    ...block,
    text: plainText(150),
    level: z.int().min(1).max(4).optional(),
  }),
  z
    .strictObject({
      type: z.literal('image'),
      ...block,
      alt_text: z.string().min(1).max(2000),
      title: plainText(2000).optional(),
      image_url: url.optional(),
      slack_file: slackFile.optional(),
    })
    .refine(hasPicture, 'must provide image_url or slack_file'),
  z
    .strictObject({
      type: z.literal('section'),
      ...block,
      text: anyText(3000).optional(),
      fields: z.array(anyText(2000)).min(1).max(10).optional(),
      accessory: accessory.optional(),
      expand: z.boolean().optional(),
    })
    .refine(
      (section) => section.text !== undefined || section.fields !== undefined,
      'must provide text or fields',
    ),
  richText,
  z.strictObject({
    type: z.literal('table'),
    ...block,
    rows: rows(100),
    // Slack documents null for a skipped column, and rejects it:
    // https://github.com/NousResearch/hermes-agent/issues/56615
    column_settings: z
      .array(
        z.strictObject({
          align: z.enum(['left', 'center', 'right']).optional(),
          is_wrapped: z.boolean().optional(),
        }),
      )
      .max(20)
      .optional(),
  }),
  z.strictObject({
    type: z.literal('data_table'),
    ...block,
    rows: rows(101),
    caption: z.string().min(1),
    page_size: z.int().min(1).max(100).optional(),
    row_header_column_index: z.int().min(0).max(19).optional(),
  }),
  z.strictObject({ type: z.literal('markdown'), ...block, text: z.string().min(1).max(12_000) }),
  z.strictObject({
    type: z.literal('input'),
    ...block,
    label: plainText(2000),
    hint: plainText(2000).optional(),
    optional: z.boolean().optional(),
    dispatch_action: z.boolean().optional(),
    element: z.discriminatedUnion('type', [
      staticSelect,
      multiStaticSelect,
      checkboxes,
      radioButtons,
      ...pickers,
      ...inputs,
    ]),
  }),
  ...(['video', 'card', 'carousel', 'container', 'plan', 'task_card'] as const).map((type) =>
    z.looseObject({ type: z.literal(type), ...block }),
  ),
] as const;

/** Alerts are allowed in modals only. */
const alert = z.looseObject({ type: z.literal('alert'), ...block });

export const messageBlock = z.discriminatedUnion('type', [...sharedBlocks, dataVisualization]);
export const viewBlock = z.discriminatedUnion('type', [...sharedBlocks, alert]);

function areUnique(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}

function hasPicture(image: { image_url?: unknown; slack_file?: unknown }): boolean {
  return image.image_url !== undefined || image.slack_file !== undefined;
}

function hasOptions(select: { options?: unknown; option_groups?: unknown }): boolean {
  return select.options !== undefined || select.option_groups !== undefined;
}
