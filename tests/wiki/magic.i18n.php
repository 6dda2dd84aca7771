<?php
/** Names of parser functions that stand in for extensions: {{#wikidata_item:Q42}} and {{#disambiguation_page:}}. */
$magicWords = [
	'en' => [ 'wikidata_item' => [ 0, 'wikidata_item' ], 'disambiguation_page' => [ 0, 'disambiguation_page' ] ],
];
