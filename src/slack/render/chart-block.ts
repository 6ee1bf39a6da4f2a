/**
 * A chart block, which `@slack/types` doesn't have. At most two in a message; not allowed in modals or the Home tab.
 * https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block
 */
export interface ChartBlock {
  readonly type: 'data_visualization';
  /** At most 50 characters. */
  readonly title: string;
  readonly chart: {
    readonly type: 'bar' | 'line';
    /** At most 6, with unique names. */
    readonly series: readonly {
      readonly name: string;
      /** One for each category. */
      readonly data: readonly { readonly label: string; readonly value: number }[];
    }[];
    readonly axis_config: {
      /** At most 20, unique, at most 20 characters each. */
      readonly categories: readonly string[];
      readonly x_label?: string;
      readonly y_label?: string;
    };
  };
}
