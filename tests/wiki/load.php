<?php
/** Fill one wiki of the family: pages with their history from an export file, then the tables of links, once a page. */
require_once getenv( 'FAMILY_MEDIAWIKI' ) . '/maintenance/Maintenance.php';

class Load extends Maintenance {
	public function __construct() {
		parent::__construct();
		$this->addArg( 'file', 'an export file' );
	}

	public function execute() {
		$this->runChild( RefreshLinks::class, getenv( 'FAMILY_MEDIAWIKI' ) . '/maintenance/refreshLinks.php' );
		$services = MediaWiki\MediaWikiServices::getInstance();
		$code = $services->getContentLanguage()->getCode();
		foreach ( [ $code, ...$services->getContentLanguage()->getVariants() ] as $variant ) {
			$services->getLocalisationCache()->getItem( $variant, 'fallback' );
		}
		$source = new ImportStreamSource( fopen( $this->getArg( 0 ), 'r' ) );
		$importer = $services->getWikiImporterFactory()->getWikiImporter( $source );
		$importer->setNoUpdates( true );
		$importer->setUsernamePrefix( 'imported', false );
		$importer->doImport();
		$listed = [ 'page_namespace' => [ NS_MAIN, NS_USER ] ];
		$pages = $this->getDB( DB_REPLICA )->selectFieldValues( 'page', 'page_id', $listed, __METHOD__ );
		foreach ( $pages as $page ) {
			RefreshLinks::fixLinksFromArticle( $page );
		}
		DeferredUpdates::doUpdates();
		SiteStatsInit::doAllAndCommit( $this->getDB( DB_PRIMARY ), [ 'activeUsers' => false ] );
	}
}
$maintClass = Load::class;
require_once RUN_MAINTENANCE_IF_MAIN;
