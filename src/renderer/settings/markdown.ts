import DOMPurify from 'dompurify';
import { marked } from 'marked';

/** Headings of a card start below the page's own. */
const HEADINGS_ABOVE = 2;

/**
 * A model card as safe HTML: text, lists, tables and code. Pictures go, since the studio does not serve them, and so do links, which
 * would lead out of the studio.
 */
export function renderCard(markdown: string): string {
  const html = marked.parse(markdown, { async: false, gfm: true });
  const safe = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: [
      ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'p', 'br', 'hr', 'ul', 'ol', 'li', 'blockquote', 'pre', 'code', 'em', 'strong', 'del'],
      ...['table', 'thead', 'tbody', 'tr', 'th', 'td', 'sub', 'sup'],
    ],
    ALLOWED_ATTR: ['align', 'start'],
    RETURN_DOM_FRAGMENT: true,
  });
  for (const heading of safe.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    const level = Math.min(6, Number(heading.tagName.slice(1)) + HEADINGS_ABOVE);
    const lower = document.createElement(`h${level}`);
    lower.append(...heading.childNodes);
    heading.replaceWith(lower);
  }
  // What is left of a paragraph that held only a picture.
  for (const paragraph of safe.querySelectorAll('p')) if (paragraph.textContent.trim() === '') paragraph.remove();
  const holder = document.createElement('div');
  holder.append(safe);
  return holder.innerHTML;
}
