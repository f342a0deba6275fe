import process from 'node:process'
import starlight from '@astrojs/starlight'
import { defineConfig } from 'astro/config'
import starlightLinksValidator from 'starlight-links-validator'
import { sections, slugOf } from './pages.ts'

export default defineConfig({
  site: process.env.SITE_URL ?? 'https://mooring.example',
  base: process.env.SITE_BASE ?? '/',
  // Mermaid is loaded by pages with a figure alone, and cannot be split by us.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  integrations: [
    starlight({
      title: 'Mooring',
      description: "Keeps HashiCorp Nomad's CSI volumes and snapshots as they are declared.",
      sidebar: sections.map(({ label, pages }) => ({
        label,
        items: pages.map((file) => ({ slug: slugOf(file) })),
      })),
      components: { MarkdownContent: './src/components/MarkdownContent.astro' },
      // prepare.ts writes the page.
      disable404Route: true,
      // The build fails on a link that leads nowhere.
      plugins: [starlightLinksValidator()],
    }),
  ],
})
