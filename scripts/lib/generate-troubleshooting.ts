import { fileURLToPath } from 'node:url'
import { type Explanation, placeholders } from '../../src/lib/reasons/explanation.ts'
import { reasonGroups } from '../../src/lib/reasons/reasons.ts'
import type { Generator } from './generator.ts'

/** The page of every reason: what happened, what it means for the data, and what to do. */
export const troubleshootingPage: Generator = {
  name: 'Page of reasons',
  directory: fileURLToPath(new URL('../../docs', import.meta.url)),
  isPartOfDirectory: true,
  async generate() {
    return new Map([['troubleshooting.md', renderTroubleshooting()]])
  },
}

export function renderTroubleshooting(): string {
  return `# Troubleshooting

\`mooring status\` shows a reason for each declaration. This page says of every reason what happened, what it means for the
data, what Mooring does by itself and what you can do. \`mooring explain REASON\` says the same on a terminal, and
\`mooring explain volume NAME\` puts the names of your volume into the commands.

Words in capitals stand for your own names: \`NAMESPACE/ID\` is a volume by its Nomad namespace and ID, or a snapshot or a
schedule by its name. Made by \`npm run generate\` from \`src/lib/reasons/\`.

${reasonGroups
  .map(
    ({ title, reasons }) =>
      `## ${title}\n\n${Object.entries(reasons)
        .map(([reason, explanation]) => renderReason(reason, explanation))
        .join('\n')}`,
  )
  .join('\n')}`
}

function renderReason(reason: string, { happened, data, mooring, person }: Explanation): string {
  const remedies = Object.values(person).map((remedy) => remedy(placeholders))
  const actions =
    remedies.length === 0
      ? '- You: nothing needs to be done.'
      : `- You:\n${remedies.map((remedy) => `  - ${remedy}`).join('\n')}`
  return `### ${reason}

${happened}

- Your data: ${data}
- Mooring: ${mooring}
${actions}
`
}
