import { posix } from 'node:path'

/** A part of the side bar: its title, and the pages in it by their files in the repository. */
export interface Section {
  readonly label: string
  readonly pages: readonly string[]
}

const docs = (...names: string[]) => names.map((name) => `docs/${name}.md`)

/** Every page of the site, in the order of its side bar. */
export const sections: readonly Section[] = [
  {
    label: 'Start',
    pages: [
      'README.md',
      ...docs('install', 'quickstart-nomad', 'quickstart-kubernetes', 'concepts', 'faq', 'comparison'),
    ],
  },
  {
    label: 'Guides',
    pages: docs(
      ...['guide-adopt', 'guide-restore', 'guide-backups', 'guide-secrets', 'guide-alerts', 'guide-clusters'],
      ...['high-availability', 'guide-terraform', 'upgrade', 'dashboard'],
    ),
  },
  {
    label: 'In depth',
    pages: [
      ...docs('sources', 'volumes', 'host-volumes', 'schedules', 'restore', 'operations', 'kubernetes'),
      'charts/mooring/README.md',
      ...docs('server', 'driver', 'internals', 'pains'),
    ],
  },
  {
    label: 'Reference',
    pages: docs('fields', 'commands', 'troubleshooting', 'real-nomad', 'volumes-api', 'nomad-client'),
  },
  { label: 'Project', pages: ['CHANGELOG.md', 'SECURITY.md', 'CONTRIBUTING.md'] },
]

const names: Readonly<Record<string, string>> = {
  'README.md': 'index',
  'charts/mooring/README.md': 'helm-chart',
}

/** The name of a page in its address. @param file in the repository */
export function slugOf(file: string): string {
  return names[file] ?? posix.basename(file, '.md').toLowerCase()
}

/** Where links of pages lead. */
export interface Targets {
  /** The files of the repository that are pages. */
  readonly pages: ReadonlySet<string>
  /** Beginning of every address of the site, such as `/` or `/mooring/`. */
  readonly base: string
  /** Address of the other files of the repository. Undefined: a link to one becomes its text. */
  readonly repository: string | undefined
}

/** A page of the repository as one of the site: its first heading is its title, and its links lead to pages. */
export function toSitePage(file: string, text: string, targets: Targets): string {
  const [, title = '', body = ''] = /^# (.*)\n([\s\S]*)$/.exec(text) ?? []
  if (title === '') throw new Error(`${file} does not begin with a heading`)
  const parts = body.split(/(^```.*?^```$)/ms)
  const linked = parts.map((part) =>
    part.startsWith('```') ? toFigure(part) : rewriteLinks(file, part, targets),
  )
  return `---\ntitle: ${JSON.stringify(title.replaceAll('`', ''))}\n---\n${linked.join('')}`
}

/** A block of Mermaid as the element that the reader's browser draws; another block as it is. */
function toFigure(block: string): string {
  const [, source] = /^```mermaid\n([\s\S]*?)^```$/m.exec(block) ?? []
  if (source === undefined) return block
  const text = source.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return `<pre class="mermaid">\n${text}</pre>`
}

/** From the folder of the site's pages to the repository. */
const toRepository = '../../../../'

function rewriteLinks(file: string, text: string, targets: Targets): string {
  return text.replaceAll(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, (whole, mark, label: string, link: string) => {
    if (/^(?:[a-z]+:|#)/.test(link)) return whole
    const [path = '', anchor] = link.split('#')
    const target = posix.join(posix.dirname(file), path)
    if (mark === '!') return `![${label}](${toRepository}${target})`
    const hash = anchor === undefined ? '' : `#${anchor}`
    if (targets.pages.has(target)) {
      const slug = slugOf(target)
      return `[${label}](${targets.base}${slug === 'index' ? '' : `${slug}/`}${hash})`
    }
    return targets.repository === undefined ? label : `[${label}](${targets.repository}${target}${hash})`
  })
}
