import starlight from '@astrojs/starlight'
import { defineConfig } from 'astro/config'
import { entries, groups } from './src/site-map.ts'

const reference = {
  label: 'Reference',
  items: entries.map(({ slug, title }) => ({ slug, label: title })),
}

const sidebar = groups.map(({ label, pages }) => ({
  label,
  collapsed: label === 'Packages',
  items: pages.map((page) =>
    page.label === undefined ? page.slug : { slug: page.slug, label: page.label },
  ),
}))

export default defineConfig({
  base: process.env.DOCS_BASE ?? '/',
  cacheDir: '.cache/astro',
  devToolbar: { enabled: false },
  integrations: [
    starlight({
      title: 'Coatcheck',
      description: 'Server-side sessions: no lost updates, logout wins',
      social: [{ icon: 'github', label: 'GitHub', href: 'https://github.com/coatcheck/coatcheck' }],
      customCss: ['./src/site.css'],
      sidebar: [...sidebar.slice(0, -1), reference, ...sidebar.slice(-1)],
      credits: false,
    }),
  ],
})
