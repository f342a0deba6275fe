import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { sections, slugOf, toSitePage } from './pages.ts'

// Writes the pages of the repository as content of the site. SITE_BASE and SITE_REPOSITORY say where it is published.
const root = fileURLToPath(new URL('..', import.meta.url))
const content = join(root, 'site/src/content')
const files = sections.flatMap(({ pages }) => pages)
const targets = {
  pages: new Set(files),
  base: process.env.SITE_BASE ?? '/',
  repository: process.env.SITE_REPOSITORY,
}

rmSync(content, { recursive: true, force: true })
mkdirSync(join(content, 'docs'), { recursive: true })
mkdirSync(join(content, 'i18n'))
for (const file of files) {
  const page = toSitePage(file, readFileSync(join(root, file), 'utf8'), targets)
  writeFileSync(join(content, 'docs', `${slugOf(file)}.md`), page)
}
writeFileSync(
  join(content, 'docs/404.md'),
  `---\ntitle: No such page\ntemplate: splash\n---\nSearch for it above, or begin at the [start](${targets.base}).\n`,
)
writeFileSync(join(content, 'i18n/en.json'), JSON.stringify({ 'search.label': 'Search' }))
