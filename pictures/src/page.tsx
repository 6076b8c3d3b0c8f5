/** The whole dashboard at once. `draw` is called from outside, and returns when all answers are there. */

import '@fontsource-variable/inter';
import { createTheme, dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { GlobalStyles, PortalContainer, ThemeContext, useTheme2 } from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import { Answers } from './answers';
import type { Dashboard, Order, Panel } from './dashboard';
import { type Content, DrawnPanel } from './panel';
import { shrink } from './shrink';

const COLUMNS = 24;
const CELL = 30;
const GAP = 8;
const MARGIN = 16;
const HEAD = 56;

declare global {
  interface Window {
    draw: (order: Order) => Promise<void>;
    shrink: typeof shrink;
  }
}

window.shrink = shrink;

window.draw = async (order) => {
  const theme = createTheme({ colors: { mode: 'dark' }, typography: { fontFamily: "'Inter Variable', sans-serif" } });
  const answers = await Answers.of(order);
  const contents: Content[] = [];
  for (const panel of order.dashboard.panels.filter(({ type }) => type !== 'row')) {
    contents.push(await answers.content(panel, theme));
  }
  const root = document.getElementById('root') as HTMLElement;
  createRoot(root).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <Page order={order} answers={answers} contents={contents} theme={theme} />
      <PortalContainer />
    </ThemeContext.Provider>
  );
};

interface PageProps {
  order: Order;
  answers: Answers;
  contents: Content[];
  theme: GrafanaTheme2;
}

function Page({ order, answers, contents, theme }: PageProps) {
  const { dashboard } = order;
  const column = (window.innerWidth - 2 * MARGIN + GAP) / COLUMNS;
  const bottom = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  const place = ({ gridPos: { x, y, w, h } }: Panel) => ({
    left: MARGIN + x * column,
    top: HEAD + y * (CELL + GAP),
    width: w * column - GAP,
    height: h * (CELL + GAP) - GAP,
  });
  return (
    <div
      style={{
        position: 'relative',
        overflow: 'hidden',
        height: HEAD + bottom * (CELL + GAP) + GAP,
        background: theme.colors.background.canvas,
      }}
    >
      <Head dashboard={dashboard} answers={answers} />
      {dashboard.panels
        .filter(({ type }) => type === 'row')
        .map((row) => (
          <h6 key={row.id} style={{ position: 'absolute', ...place(row), margin: 0, lineHeight: `${CELL}px` }}>
            {row.collapsed ? '›' : '⌄'} {row.title}
          </h6>
        ))}
      {contents.map((content) => {
        const placed = place(content.panel);
        return (
          <div key={content.panel.id} style={{ position: 'absolute', ...placed }}>
            <DrawnPanel content={content} width={placed.width} height={placed.height} />
          </div>
        );
      })}
    </div>
  );
}

function Head({ dashboard, answers }: { dashboard: Dashboard; answers: Answers }) {
  const theme = useTheme2();
  const time = (at: number) => dateTimeFormat(at, { format: 'YYYY-MM-DD HH:mm:ss', timeZone: 'utc' });
  const shown = dashboard.templating.list.filter(({ hide, type }) => !hide && type !== 'datasource');
  return (
    <div style={{ display: 'flex', gap: 16, alignItems: 'center', height: HEAD, padding: `0 ${MARGIN}px` }}>
      <h4 style={{ margin: 0 }}>{dashboard.title}</h4>
      {shown.map((variable) => (
        <span key={variable.name} style={{ border: `1px solid ${theme.colors.border.medium}`, padding: '4px 8px' }}>
          <span style={{ color: theme.colors.text.secondary }}>{variable.label ?? variable.name}</span>{' '}
          {answers.variables.shown(variable)}
        </span>
      ))}
      <span style={{ marginLeft: 'auto', color: theme.colors.text.secondary }}>
        {time(answers.range.from.valueOf())} to {time(answers.range.to.valueOf())} UTC
      </span>
    </div>
  );
}
